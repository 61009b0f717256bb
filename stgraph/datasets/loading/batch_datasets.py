"""Data sets whose items are whole batches, and the loader that hands them out in a given order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, DistributedSampler
from torch_geometric.data import Batch

from stgraph.datasets.loading.caption_batch import CaptionBatch
from stgraph.datasets.loading.graph_source import GraphSource
from stgraph.datasets.loading.process_shards import RankShard

__all__ = ["PairBatches", "RemainingBatches", "VideoBatches", "batch_loader"]


class PairBatches(Dataset):
    """Item: one rank's part of a batch, whole."""

    def __init__(self, source: GraphSource, ids: Sequence[str], captions: Sequence[torch.Tensor]) -> None:
        self.source, self.ids, self.captions = source, ids, captions

    def __getitem__(self, shard: RankShard) -> CaptionBatch:
        # A video whose captions are split over two groups of one batch is still encoded once.
        videos = dict.fromkeys(video for video, _ in shard.groups)
        row = {video: position for position, video in enumerate(videos)}
        ids = [self.ids[video] for video in videos]
        tokens = torch.cat([self.captions[video][list(chosen)] for video, chosen in shard.groups])
        video = torch.tensor([row[video] for video, chosen in shard.groups for _ in chosen], dtype=torch.long)
        if len(tokens):
            tokens = tokens[:, : int((tokens != 0).sum(1).max())]
        else:  # a rank without pairs: one caption of padding, whose loss is zero
            tokens, video = tokens.new_zeros(1, 2), video.new_zeros(1)
        owned = torch.tensor([video in shard.owned for video in videos])
        return CaptionBatch(self.source.batch(ids), ids, tokens, video, owned, shard.totals)


class VideoBatches(Dataset):
    """Item: graphs of some videos, with all their captions or with none."""

    def __init__(
        self, source: GraphSource, ids: Sequence[str], captions: Sequence[torch.Tensor] | None = None
    ) -> None:
        self.source, self.ids, self.captions = source, ids, captions

    def __getitem__(self, rows: Sequence[int]) -> CaptionBatch:
        ids = [self.ids[row] for row in rows]
        graphs = self.source.batch(ids) if ids else Batch()
        if self.captions is None or not ids:
            empty = torch.zeros(0, dtype=torch.long)
            return CaptionBatch(graphs, ids, empty.reshape(0, 0), empty)
        tokens = [self.captions[row] for row in rows]
        video = torch.arange(len(ids)).repeat_interleave(torch.tensor([len(part) for part in tokens]))
        return CaptionBatch(graphs, ids, torch.cat(tokens), video)


class RemainingBatches(DistributedSampler):
    """The batches of an epoch on one rank; iteration skips those done before a resume, the length stays whole.

    It is a ``DistributedSampler`` because the batches are already dealt out to the ranks, so Lightning must not do so.
    """

    def __init__(self, batches: Sequence[Any], done: int = 0) -> None:
        self.batches, self.done = batches, done

    def set_epoch(self, epoch: int) -> None:
        """Does nothing: the batches are those of one epoch."""

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.batches[self.done :])


def batch_loader(dataset: Dataset, batches: DistributedSampler, num_workers: int) -> DataLoader:
    """A loader of whole batches in a given order.

    It has its own generator: without one, a loader draws a seed from the global generator, whose state would then depend on
    the number of loaders that were made.
    """
    return DataLoader(
        dataset,
        batch_size=None,
        sampler=batches,
        num_workers=num_workers,
        generator=torch.Generator().manual_seed(0),
    )
