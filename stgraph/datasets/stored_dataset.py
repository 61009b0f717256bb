"""Features and captions of the same videos."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stgraph.checking import checked
from stgraph.datasets.corpus.captions import CaptionCorpus
from stgraph.errors import DataError
from stgraph.features.store import FeatureStore
from stgraph.video.ids import video_id_of

__all__ = ["StoredDataset", "with_features"]

ExtraScores = Callable[[Mapping[str, str], Mapping[str, Sequence[str]]], dict[str, float]]


def _no_extra_scores(
    captions: Mapping[str, str], references: Mapping[str, Sequence[str]]
) -> dict[str, float]:
    return {}


@checked
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
    name: str, store: FeatureStore | str | Path, corpus: CaptionCorpus, *, common: bool | None = False
) -> StoredDataset:
    """Combines captions with features of the same videos.

    Captions of ``cat.mp4`` are of the stored video ``cat`` and the other way round, see
    :func:`stgraph.video.video_id_of`.

    Args:
        name: Name of the data set in results.
        store: Feature store, or its path.
        corpus: Captions and splits.
        common: Whether to leave out captioned videos without features, with a warning that lists them; None is False
            where the user has no such choice.

    Raises:
        DataError: If a captioned video has no features and ``common`` is off, or if none of them has features.
    """
    if not isinstance(store, FeatureStore):
        store = FeatureStore(store)
    corpus = _spelled_as(corpus, store.ids)
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
    try:
        uncaptioned = corpus.check_against(store.ids, allow_uncaptioned=True)
    except DataError as error:
        if common is None:
            raise
        raise DataError(
            f"{error} With common=True (for a command, data.dataset.common=true) these captions are left out."
        ) from error
    return StoredDataset(name, store, corpus, tuple(uncaptioned))


def _spelled_as(corpus: CaptionCorpus, store_ids: Sequence[str]) -> CaptionCorpus:
    """Renames videos that the store has under another spelling of the same id, such as with the ending of its file."""
    known = set(store_ids)
    if not (missing := [video_id for video_id in corpus.ids() if video_id not in known]):
        return corpus
    spellings: dict[str, list[str]] = {}
    for video_id in store_ids:
        if video_id not in corpus:
            spellings.setdefault(video_id_of(video_id), []).append(video_id)
    times = Counter(map(video_id_of, missing))
    renamed = {
        video_id: spellings[plain][0]
        for video_id in missing
        if times[plain := video_id_of(video_id)] == 1 and len(spellings.get(plain, ())) == 1
    }
    return CaptionCorpus({renamed.get(video_id, video_id): corpus[video_id] for video_id in corpus.ids()})
