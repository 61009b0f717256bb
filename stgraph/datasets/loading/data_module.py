"""Feeds (video, caption) pairs of a store and a corpus to Lightning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Dataset
from torch_geometric.data import Batch

from stgraph.datasets.loading.batch_order import PairGroup, pair_batches
from stgraph.datasets.loading.caption_batch import CaptionBatch
from stgraph.datasets.loading.graph_source import GraphSource
from stgraph.datasets.loading.process_shards import RankShard, deal_out
from stgraph.errors import DataError

if TYPE_CHECKING:
    from stgraph.datasets.corpus.captions import CaptionCorpus
    from stgraph.text import CaptionTokenizer

__all__ = ["CaptionDataModule"]


class _Pairs(Dataset):
    """Item: one process's share of a batch, whole."""

    def __init__(self, source: GraphSource, ids: Sequence[str], captions: Sequence[torch.Tensor]) -> None:
        self.source, self.ids, self.captions = source, ids, captions

    def __getitem__(self, share: RankShard) -> CaptionBatch:
        # A video whose captions are split over two groups of one batch is still encoded once.
        videos = dict.fromkeys(video for video, _ in share.groups)
        row = {video: position for position, video in enumerate(videos)}
        ids = [self.ids[video] for video in videos]
        tokens = torch.cat([self.captions[video][list(chosen)] for video, chosen in share.groups])
        video = torch.tensor([row[video] for video, chosen in share.groups for _ in chosen], dtype=torch.long)
        if len(tokens):
            tokens = tokens[:, : int((tokens != 0).sum(1).max())]
        else:  # nothing to say here: one caption of padding, which counts nowhere
            tokens, video = tokens.new_zeros(1, 2), video.new_zeros(1)
        owned = torch.tensor([video in share.owned for video in videos])
        return CaptionBatch(self.source.batch(ids), ids, tokens, video, owned, share.totals)


class _Videos(Dataset):
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


class CaptionDataModule(LightningDataModule):
    """Batches of graphs and captions; the order is a function of (seed, epoch), so a resumed run meets the same ones.

    Each process takes its share of every batch (:func:`deal_out`): ``batch_size`` is that of all processes together, so
    what is learned in which step does not depend on their number. Validation videos are dealt out once each, too.

    Args:
        source: Graphs by video id.
        corpus: Captions and splits; every video of the splits used must be in the store.
        tokenizer: Words to ids.
        batch_size: (video, caption) pairs a batch, over all processes.
        captions_per_video, captions_per_epoch: See :func:`pair_batches`.
        seed: Of the order.
        num_workers: Processes that read and build; 0 does it in this one.
        validation_captions: Validation batches hold the captions of their videos too, which a loss of them needs.

    Raises: DataError: The training split is empty.
    """

    def __init__(
        self,
        source: GraphSource,
        corpus: CaptionCorpus,
        tokenizer: CaptionTokenizer,
        *,
        batch_size: int = 64,
        captions_per_video: int = 1,
        captions_per_epoch: int | None = None,
        seed: int = 0,
        num_workers: int = 0,
        validation_captions: bool = False,
    ) -> None:
        super().__init__()
        self.source, self.corpus, self.tokenizer = source, corpus, tokenizer
        self.batch_size, self.captions_per_video = batch_size, captions_per_video
        self.captions_per_epoch, self.seed, self.num_workers = captions_per_epoch, seed, num_workers
        self.validation_captions = validation_captions
        self._tokens: list[torch.Tensor] = []
        if not corpus.ids("train"):
            raise DataError(
                "The corpus has no training videos; give some the split 'train' in captions.json."
            )

    def batches(self, epoch: int) -> list[list[PairGroup]]:
        """The batches of one epoch, each for all processes together."""
        return pair_batches(
            [len(self.corpus.captions(video)) for video in self.corpus.ids("train")],
            batch_size=self.batch_size,
            captions_per_video=self.captions_per_video,
            captions_per_epoch=self.captions_per_epoch,
            seed=self.seed,
            epoch=epoch,
        )

    def num_batches(self, epoch: int) -> int:
        """Batches of an epoch that are trained on: all, or as many as ``trainer.limit_train_batches`` says."""
        total, limit = (
            len(self.batches(epoch)),
            1.0 if self.trainer is None else self.trainer.limit_train_batches,
        )
        return min(total, limit if isinstance(limit, int) else int(total * limit))

    def train_dataloader(self) -> DataLoader:
        """Asked for anew each epoch (``reload_dataloaders_every_n_epochs=1``), so it starts where a resumed run stands."""
        ids = self.corpus.ids("train")
        if not self._tokens:
            self._tokens = self._encoded(ids)
        shares = self.shares(0 if self.trainer is None else self.trainer.current_epoch)
        skipping = _Skip(shares, self._done(len(shares)))
        return _loader(_Pairs(self.source, ids, self._tokens), skipping, self.num_workers)

    def _encoded(self, ids: Sequence[str]) -> list[torch.Tensor]:
        """The captions of each video, all of one length."""
        tokens = [self.tokenizer.encode(self.corpus.captions(video)) for video in ids]
        width = max(part.size(1) for part in tokens)
        return [torch.nn.functional.pad(part, (0, width - part.size(1))) for part in tokens]

    def shares(self, epoch: int) -> list[RankShard]:
        """What this process takes of each batch of an epoch."""
        counts = [((tokens != 0).sum(1) - 1).tolist() for tokens in self._tokens]
        limit = self.source.num_frames
        frames = [self.source.store.num_frames(video) for video in self.corpus.ids("train")]
        frames = frames if limit is None else [min(limit, count) for count in frames]
        rank, world_size = self._place()
        accumulate = 1 if self.trainer is None else self.trainer.accumulate_grad_batches
        batches, end = self.batches(epoch), self.num_batches(epoch)
        return [  # Lightning steps at its last batch, though the epoch may have more of them
            share
            for part in (batches[:end], batches[end:])
            for share in deal_out(
                part, counts, frames, accumulate=accumulate, rank=rank, world_size=world_size
            )
        ]

    def _place(self) -> tuple[int, int]:
        return (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)

    def _done(self, num_batches: int) -> int:
        """Batches of this epoch that a killed run had done before its last checkpoint."""
        if self.trainer is None or not self.trainer.fit_loop.restarting:
            return 0
        ready = self.trainer.fit_loop.epoch_loop.batch_progress.current.ready
        return ready if ready < num_batches else 0

    def val_dataloader(self) -> DataLoader:
        """Each video of the validation split once, in order of the ids.

        All processes have the same number of batches, as they wait for each other at each: a last one may be empty.
        """
        ids = self.corpus.ids("val")
        rank, world_size = self._place()
        mine, longest = range(rank, len(ids), world_size), len(range(0, len(ids), world_size))
        rows = [list(mine[start : start + 64]) for start in range(0, longest, 64)]
        captions = self._encoded(ids) if ids and self.validation_captions else None
        return _loader(_Videos(self.source, ids, captions), rows, self.num_workers)


class _Skip(Sequence):
    """The batches of an epoch, of which iteration leaves out those done before a resume; the length stays whole."""

    def __init__(self, batches: list[RankShard], done: int) -> None:
        self.batches, self.done = batches, done

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: Any) -> Any:
        return self.batches[index]

    def __iter__(self) -> Iterator[RankShard]:
        return iter(self.batches[self.done :])


def _loader(dataset: Dataset, batches: Sequence, num_workers: int) -> DataLoader:
    # An own generator, as a loader otherwise draws from the global one, which then depends on how often it was made.
    return DataLoader(
        dataset,
        batch_size=None,
        sampler=batches,
        num_workers=num_workers,
        generator=torch.Generator().manual_seed(0),
    )
