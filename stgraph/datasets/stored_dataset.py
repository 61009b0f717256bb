"""Features and captions of the same videos."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stgraph.datasets.corpus.captions import CaptionCorpus
from stgraph.errors import DataError
from stgraph.features.store import FeatureStore

__all__ = ["StoredDataset", "with_features"]

ExtraScores = Callable[[Mapping[str, str], Mapping[str, Sequence[str]]], dict[str, float]]


def _no_extra_scores(
    captions: Mapping[str, str], references: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    return {}


@dataclass(frozen=True)
class StoredDataset:
    """Features and captions of the same videos.

    Args:
        name: Name of the data set in results.
        store: Features of the videos.
        corpus: Captions and splits; every captioned video has features.
        uncaptioned: Videos of the store without captions: they can be captioned, but not used for training or scoring.
        extra_scores: (captions, references) -> scores specific to this data set, such as the accuracy of verbs.
    """

    name: str
    store: FeatureStore
    corpus: CaptionCorpus
    uncaptioned: tuple[str, ...] = ()
    extra_scores: ExtraScores = _no_extra_scores


def with_features(
    name: str, store: FeatureStore | str | Path, corpus: CaptionCorpus, *, common: bool = False
) -> StoredDataset:
    """Combines captions with features of the same videos.

    Args:
        name: Name of the data set in results.
        store: Feature store, or its path.
        corpus: Captions and splits.
        common: Whether to leave out captioned videos without features, with a warning that lists them.

    Raises:
        DataError: If a captioned video has no features and ``common`` is off, or if none of them has features.
    """
    if not isinstance(store, FeatureStore):
        store = FeatureStore(store)
    if common and (without := [video_id for video_id in corpus.ids() if video_id not in store]):
        if len(without) == len(corpus):
            raise DataError(
                f"None of the {len(corpus)} captioned videos is in {store.path}: captions are of {without[0]!r} and the "
                f"like, features of {repr(store.ids[0]) if store.ids else 'no video'}; name both alike."
            )
        warnings.warn(
            f"Left out of {name}: {len(without)} have captions but no features: {', '.join(without)}.",
            stacklevel=2,
        )
        corpus = CaptionCorpus({video_id: corpus[video_id] for video_id in corpus.ids() if video_id in store})
    return StoredDataset(name, store, corpus, tuple(corpus.check_against(store.ids, allow_uncaptioned=True)))
