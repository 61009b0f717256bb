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
        name: What results call it.
        store, corpus: Features and captions; every captioned video has features.
        uncaptioned: Videos of the store without captions: they can be described, but not trained on or scored.
        extra_scores: (captions, references) -> scores that only this data set has, such as the share of right verbs.
    """

    name: str
    store: FeatureStore
    corpus: CaptionCorpus
    uncaptioned: tuple[str, ...] = ()
    extra_scores: ExtraScores = _no_extra_scores


def with_features(
    name: str, store: FeatureStore | str | Path, corpus: CaptionCorpus, *, common: bool = False
) -> StoredDataset:
    """Puts captions beside features of the same videos.

    Args:
        name: What results call it.
        store, corpus: Features and captions.
        common: Leaves out captions of videos without features, with a warning that names all of them.

    Raises:
        DataError: If captioned videos have no features, unless ``common``; or if none of them has.
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
