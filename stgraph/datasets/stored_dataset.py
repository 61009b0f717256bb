"""A data set by name: a feature store with the captions beside it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stgraph.datasets.captions import CaptionCorpus
from stgraph.datasets.interactions import prepare_interactions
from stgraph.errors import OptionError
from stgraph.features.store import FeatureStore

__all__ = ["StoredDataset", "open_dataset"]


@dataclass(frozen=True)
class StoredDataset:
    """Features and captions of the same videos.

    Args:
        name: What results call it.
        store, corpus: Features and captions; every captioned video has features.
        uncaptioned: Videos of the store without captions: they can be described, but not trained on or scored.
    """

    name: str
    store: FeatureStore
    corpus: CaptionCorpus
    uncaptioned: tuple[str, ...] = ()


def open_dataset(name: str, **arguments: object) -> StoredDataset:
    """Opens a data set that stgraph knows by name, made or downloaded where that is needed.

    Args:
        name: "interactions" (arguments size, seed) or "store" (arguments store, captions: paths of your own).
        arguments: As the data set takes them.

    Raises: OptionError: An unknown name or argument. DataError: Captions of videos that the store does not hold.
    """
    if name not in DATASETS:
        raise OptionError(f"'data.dataset.name' must be one of {sorted(DATASETS)}, got {name!r}.")
    try:
        inspect.signature(DATASETS[name]).bind(**arguments)
    except TypeError as error:
        raise OptionError(f"Data set {name!r}: {error}.") from error
    return DATASETS[name](**arguments)


def _interactions(
    size: str = "small", seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> StoredDataset:
    folder = prepare_interactions(size, seed, progress=progress)
    return _open(f"interactions-{size}-seed{seed}", folder / "store.h5", folder / "captions.json")


def _store(store: str, captions: str) -> StoredDataset:
    return _open(Path(store).stem, Path(store), Path(captions))


def _open(name: str, store: Path, captions: Path) -> StoredDataset:
    features, corpus = FeatureStore(store), CaptionCorpus.load(captions)
    uncaptioned = corpus.check_against(features.ids, allow_uncaptioned=True)
    return StoredDataset(name, features, corpus, tuple(uncaptioned))


DATASETS: dict[str, Callable[..., StoredDataset]] = {"interactions": _interactions, "store": _store}
