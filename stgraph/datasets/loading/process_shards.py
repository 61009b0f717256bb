"""Which process takes which pairs of a batch, and what an optimizer step holds over all processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stgraph.datasets.loading.batch_order import PairGroup

__all__ = ["RankShard", "StepTotals", "deal_out", "share_of"]


@dataclass(frozen=True)
class StepTotals:
    """What the means of an optimizer step divide by: sums over its batches and all processes.

    Args:
        batches: Batches that it accumulates; the last step of an epoch may have fewer than the others.
        pairs, tokens: Captions of all its batches, and the words to be said in them with their end marks.
        frames: Frames of its videos, each video once.
        videos: Its videos, each once.
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
    """One process's part of one batch.

    Args:
        groups: Its pairs. A process without any has one video of the batch with no caption: it computes what the
            others do, so that the exchange of gradients meets all parameters, and adds zeros to them.
        owned: Videos whose frames count here: in no earlier batch of the step, and on no other process.
        totals: Of the optimizer step.
    """

    groups: tuple[PairGroup, ...]
    owned: frozenset[int]
    totals: StepTotals


def share_of(batch: Sequence[PairGroup], rank: int, world_size: int) -> list[PairGroup]:
    """The groups of one process. Videos are dealt out in turn; all captions of a video go the same way.

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
    """The shares of one process in the batches of an epoch, with the totals that every process computes alike.

    Args:
        batches: Of all processes together, as :func:`pair_batches` gives them.
        num_tokens: Tokens to be predicted, by video and caption.
        num_frames: Frames by video.
        accumulate: Batches an optimizer step; the last step takes what is left.
        rank, world_size: Which process of how many.
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
