"""Splits batches over ranks, with the totals of each optimizer step over all ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stgraph.datasets.loading.batch_order import PairGroup

__all__ = ["RankShard", "StepTotals", "deal_out", "share_of"]


@dataclass(frozen=True)
class StepTotals:
    """Denominators of the means of an optimizer step, summed over its batches and all ranks.

    Args:
        batches: Batches that the step accumulates; the last step of an epoch may have fewer.
        pairs: Captions in the step.
        tokens: Tokens to predict in these captions, end tokens included.
        frames: Frames in the step, each video counted once.
        videos: Distinct videos in the step.
        batch_pairs: Captions of this batch alone.
    """

    batches: int
    pairs: int
    tokens: int
    frames: int
    videos: int
    batch_pairs: int


@dataclass(frozen=True)
class RankShard:
    """The part of a batch that one rank computes.

    Args:
        groups: Pairs of this rank. A rank without pairs gets one uncaptioned video so that every parameter takes part in
            the all-reduce; its gradients are zero.
        owned: Videos whose frames this rank counts in this batch; each video is counted once per optimizer step.
        totals: Totals of the optimizer step.
    """

    groups: tuple[PairGroup, ...]
    owned: frozenset[int]
    totals: StepTotals


def share_of(batch: Sequence[PairGroup], rank: int, world_size: int) -> list[PairGroup]:
    """Selects the groups of one rank: videos are assigned round-robin, and all captions of a video stay together.

    Args:
        batch: Groups of all ranks.
        rank: Number of this rank, from 0.
        world_size: Number of ranks.

    >>> [share_of([(7, (0,)), (2, (1,)), (7, (3,)), (5, (0,))], rank, 2) for rank in (0, 1)]
    [[(7, (0,)), (7, (3,)), (5, (0,))], [(2, (1,))]]
    """
    place = {video: position for position, video in enumerate(dict.fromkeys(video for video, _ in batch))}
    return [group for group in batch if place[group[0]] % world_size == rank]


def deal_out(
    batches: Sequence[Sequence[PairGroup]],
    num_tokens: Sequence[Sequence[int]],
    num_frames: Sequence[int],
    *,
    accumulate: int = 1,
    rank: int = 0,
    world_size: int = 1,
) -> list[RankShard]:
    """Splits the batches of an epoch for one rank and computes the totals, which are the same on every rank.

    Args:
        batches: Batches of all ranks together, as returned by :func:`pair_batches`.
        num_tokens: Number of tokens to predict in each caption, by video.
        num_frames: Number of frames of each video.
        accumulate: Batches per optimizer step; the last step takes the remaining ones.
        rank: Number of this rank, from 0.
        world_size: Number of ranks.

    Returns:
        One shard per batch.
    """
    shares: list[RankShard] = []
    for start in range(0, len(batches), accumulate):
        step = batches[start : start + accumulate]
        pairs = [sum(len(chosen) for _, chosen in batch) for batch in step]
        tokens = sum(num_tokens[video][row] for batch in step for video, chosen in batch for row in chosen)
        videos = {video for batch in step for video, _ in batch}
        frames = sum(num_frames[video] for video in videos)
        met: set[int] = set()
        for batch, batch_pairs in zip(step, pairs, strict=True):
            groups = share_of(batch, rank, world_size)
            owned = frozenset(video for video, _ in groups if video not in met)
            met |= {video for video, _ in batch}
            totals = StepTotals(len(step), sum(pairs), tokens, frames, len(videos), batch_pairs)
            shares.append(RankShard(tuple(groups) or ((batch[0][0], ()),), owned, totals))
    return shares
