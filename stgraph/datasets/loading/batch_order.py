"""Shuffled batches of (video, caption) pairs, determined by seed and epoch alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stgraph.checking import checked
from stgraph.errors import OptionError
from stgraph.typing import Count, Natural, OptionalWidth

__all__ = ["PairGroup", "pair_batches"]

PairGroup = tuple[int, tuple[int, ...]]
"""A video and some of its captions, both by position."""


@checked
def pair_batches(
    num_captions: Sequence[OptionalWidth],
    *,
    batch_size: Count,
    captions_per_video: Count = 1,
    captions_per_epoch: Count | None = None,
    seed: Natural = 0,
    epoch: Natural = 0,
) -> list[list[PairGroup]]:
    """Shuffles all pairs into batches of at most ``batch_size`` pairs; the last one may be smaller.

    Args:
        num_captions: Number of captions of each video.
        batch_size: Largest number of pairs per batch.
        captions_per_video: Captions of a video that stay in one batch, so that the video is encoded once for all of them.
        captions_per_epoch: Captions per video that an epoch uses, drawn again for each epoch; None uses all.
        seed: Seed of the shuffle.
        epoch: Number of the epoch; together with ``seed`` it determines the order.

    Returns:
        Batches of groups, each a video with some of its captions.

    Raises:
        OptionError: If a number is out of its bounds, or ``captions_per_video`` exceeds ``batch_size``.

    >>> pair_batches([2, 1], batch_size=2, captions_per_video=2)
    [[(0, (0, 1))], [(1, (0,))]]
    """
    if captions_per_video > batch_size:
        raise OptionError(
            f"'captions_per_video' must be at most 'batch_size' ({batch_size} pairs), got {captions_per_video}."
        )
    random = np.random.default_rng([seed, epoch])
    groups: list[PairGroup] = []
    for video, count in enumerate(num_captions):
        order = random.permutation(count)[:captions_per_epoch].tolist()
        groups += [
            (video, tuple(order[start : start + captions_per_video]))
            for start in range(0, len(order), captions_per_video)
        ]
    batches: list[list[PairGroup]] = []
    room = 0
    for position in random.permutation(len(groups)).tolist():
        group = groups[position]
        if room < len(group[1]):
            batches.append([])
            room = batch_size
        batches[-1].append(group)
        room -= len(group[1])
    return batches
