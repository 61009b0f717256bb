"""Joins captions with splits."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

from stgraph.datasets.corpus.captions import CaptionCorpus, VideoCaptions
from stgraph.errors import DataError, listed
from stgraph.text import normalise

__all__ = ["join_splits"]


def join_splits(
    captions: Mapping[str, Sequence[str]],
    splits: Mapping[str, str],
    *,
    common: bool,
    categories: Mapping[str, str] | None = None,
) -> CaptionCorpus:
    """Builds a corpus from captions and splits.

    Captions without words, which some public corpora contain, are left out with a warning that gives their number.

    Args:
        captions: Captions by video id.
        splits: Split by video id.
        common: Whether to keep only videos that have both, with a warning that names the others, instead of raising an
            error.
        categories: Category by video id, for some or all videos.

    Raises:
        DataError: If videos have only captions or only a split (unless ``common``), or no video has both.
    """
    unknown, without = sorted(captions.keys() - splits.keys()), sorted(splits.keys() - captions.keys())
    parts = [
        f"{len(ids)} {text}: {', '.join(ids)}"
        for ids, text in ((unknown, "have captions but no split"), (without, "have a split but no captions"))
        if ids
    ]
    if parts and not common:
        raise DataError(
            f"Captions and splits are not for the same videos ({'; '.join(parts)}); correct one of them, or pass "
            "common=True (for a command, data.dataset.common=true) to keep the videos that have both."
        )
    kept = sorted(captions.keys() & splits.keys())
    if not kept:
        raise DataError(
            f"The captions (of {listed(sorted(captions), 3)}) and the splits (of {listed(sorted(splits), 3)}) have no video "
            "in common; are they of the same corpus?"
        )
    if parts:
        warnings.warn(f"Left out of the corpus: {'; '.join(parts)}.", stacklevel=3)
    empty = sum(not normalise(caption) for video_id in kept for caption in captions[video_id])
    if empty:
        warnings.warn(f"Left out {empty} captions without words.", stacklevel=3)
    return CaptionCorpus(
        {
            video_id: VideoCaptions(
                splits[video_id],
                tuple(caption for caption in captions[video_id] if normalise(caption)),
                (categories or {}).get(video_id),
            )
            for video_id in kept
        }
    )
