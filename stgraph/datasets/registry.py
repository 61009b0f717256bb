"""Opens data sets by name: generated ones, public corpora, and your own videos."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from stgraph.checking import checked
from stgraph.datasets.corpus.caption_files import join_splits
from stgraph.datasets.corpus.captions import CaptionCorpus
from stgraph.datasets.corpus.drawn_splits import draw_splits
from stgraph.datasets.corpus.msrvtt import read_msrvtt_captions
from stgraph.datasets.corpus.msvd import read_msvd_captions
from stgraph.datasets.corpus.official_splits import OFFICIAL
from stgraph.datasets.corpus.own_captions import read_own_captions
from stgraph.datasets.corpus.renaming import read_names, rename_videos
from stgraph.datasets.corpus.split_files import Splits, read_splits
from stgraph.datasets.corpus.summary import published_differences
from stgraph.datasets.interactions import noun_verb_accuracy, prepare_interactions
from stgraph.datasets.interactions.object_parts import ObjectPartsStore
from stgraph.datasets.stored_dataset import StoredDataset, with_features
from stgraph.errors import OptionError
from stgraph.features.store import FeatureStore

__all__ = ["open_dataset"]


@checked
def open_dataset(name: str, **arguments: object) -> StoredDataset:
    """Opens a data set by name and generates it if necessary; ``docs/datasets.md`` describes each one.

    Args:
        name: "interactions", "msvd", "msrvtt", "folder" (your own videos) or "store" (a store and a captions.json).
        arguments: Arguments of the data set: "interactions" takes size, seed, objects and progress; "msvd" takes store,
            captions, splits, names and common; "msrvtt" takes store, captions, splits and common; "folder" takes store,
            captions, splits, val_share, test_share, seed and common; "store" takes store and captions.

    Raises:
        OptionError: If the name or an argument is unknown.
        DataError: If the store lacks captioned videos, or a file has an unknown layout.
        MissingDataError: If a file does not exist.
    """
    if name not in DATASETS:
        raise OptionError(f"'data.dataset.name' must be one of {sorted(DATASETS)}, got {name!r}.")
    try:
        inspect.signature(DATASETS[name]).bind(**arguments)
    except TypeError as error:
        raise OptionError(f"Data set {name!r}: {error}.") from error
    return DATASETS[name](**arguments)


def _interactions(
    size: str = "small",
    seed: int = 0,
    objects: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> StoredDataset:
    folder = prepare_interactions(size, seed, progress=progress)
    corpus = CaptionCorpus.load(folder / "captions.json")
    name, store = f"interactions-{size}-seed{seed}", FeatureStore(folder / "store.h5")
    if objects is not None:
        store = ObjectPartsStore(store.path, objects)
        name = f"interactions-{size}-{'-'.join(store.parts)}-seed{seed}"
    opened = with_features(name, store, corpus, common=None)
    return replace(opened, extra_scores=noun_verb_accuracy)


def _store(store: str, captions: str) -> StoredDataset:
    return with_features(Path(store).stem, store, CaptionCorpus.load(captions), common=None)


def _msvd(
    store: str, captions: str, splits: Splits = OFFICIAL, names: str | None = None, common: bool = False
) -> StoredDataset:
    corpus, features = read_msvd_captions(captions, splits, common=common), FeatureStore(store)
    if names is not None:
        corpus = rename_videos(corpus, read_names(names), features.ids)
    return _checked("msvd", with_features("msvd", features, corpus, common=common))


def _msrvtt(
    store: str,
    captions: str | Sequence[str] | Mapping[str, str],
    splits: Splits | None = None,
    common: bool = False,
) -> StoredDataset:
    corpus = read_msrvtt_captions(captions, splits, common=common)
    return _checked("msrvtt", with_features("msrvtt", store, corpus, common=common))


def _folder(
    store: str,
    captions: str,
    splits: Splits | None = None,
    val_share: float = 0.1,
    test_share: float = 0.1,
    seed: int = 0,
    common: bool = False,
) -> StoredDataset:
    own = read_own_captions(captions)
    if splits is not None:
        chosen = read_splits(splits)
    else:
        chosen = own.splits or draw_splits(own.captions, val_share, test_share, seed)
    corpus = join_splits(own.captions, chosen, common=common, categories=own.categories)
    return with_features(Path(store).stem, store, corpus, common=common)


def _checked(corpus: str, dataset: StoredDataset) -> StoredDataset:
    """Warns if splits or videos differ from the published corpus, as scores are then not comparable."""
    if found := published_differences(dataset.corpus, corpus):
        warnings.warn(f"This {corpus} is not the published one ({'; '.join(found)}).", stacklevel=3)
    return dataset


DATASETS: dict[str, Callable[..., StoredDataset]] = {
    "folder": _folder,
    "interactions": _interactions,
    "msrvtt": _msrvtt,
    "msvd": _msvd,
    "store": _store,
}
