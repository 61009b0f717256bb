"""Feeds (video, caption) pairs of a store and a corpus to Lightning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Dataset

from stgraph.datasets.caption_batch import CaptionBatch
from stgraph.datasets.graph_source import GraphSource
from stgraph.datasets.pairing import PairGroup, pair_batches
from stgraph.errors import DataError

if TYPE_CHECKING:
    from stgraph.datasets.captions import CaptionCorpus
    from stgraph.text import CaptionTokenizer

__all__ = ["CaptionDataModule"]


class _Pairs(Dataset):
    """Item: one whole batch, by the groups of pairs that it holds."""

    def __init__(self, source: GraphSource, ids: Sequence[str], captions: Sequence[torch.Tensor]) -> None:
        self.source, self.ids, self.captions = source, ids, captions

    def __getitem__(self, groups: list[PairGroup]) -> CaptionBatch:
        # A video whose captions are split over two groups of one batch is still encoded once.
        row = {video: position for position, video in enumerate(dict.fromkeys(video for video, _ in groups))}
        ids = [self.ids[video] for video in row]
        tokens = torch.cat([self.captions[video][list(chosen)] for video, chosen in groups])
        longest = int((tokens != 0).sum(1).max())
        video = torch.tensor([row[video] for video, chosen in groups for _ in chosen])
        return CaptionBatch(self.source.batch(ids), ids, tokens[:, :longest], video)


class _Videos(Dataset):
    """Item: graphs of some videos, without captions."""

    def __init__(self, source: GraphSource, ids: Sequence[str]) -> None:
        self.source, self.ids = source, ids

    def __getitem__(self, rows: Sequence[int]) -> CaptionBatch:
        ids = [self.ids[row] for row in rows]
        empty = torch.zeros(0, dtype=torch.long)
        return CaptionBatch(self.source.batch(ids), ids, empty.reshape(0, 0), empty)


class CaptionDataModule(LightningDataModule):
    """Batches of graphs and captions; the order is a function of (seed, epoch), so a resumed run meets the same ones.

    Args:
        source: Graphs by video id.
        corpus: Captions and splits; every video of the splits used must be in the store.
        tokenizer: Words to ids.
        batch_size: (video, caption) pairs a batch.
        captions_per_video, captions_per_epoch: See :func:`pair_batches`.
        seed: Of the order.
        num_workers: Processes that read and build; 0 does it in this one.

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
    ) -> None:
        super().__init__()
        self.source, self.corpus, self.tokenizer = source, corpus, tokenizer
        self.batch_size, self.captions_per_video = batch_size, captions_per_video
        self.captions_per_epoch, self.seed, self.num_workers = captions_per_epoch, seed, num_workers
        self._tokens: list[torch.Tensor] | None = None
        if not corpus.ids("train"):
            raise DataError(
                "The corpus has no training videos; give some the split 'train' in captions.json."
            )

    def batches(self, epoch: int) -> list[list[PairGroup]]:
        """The batches of one epoch."""
        return pair_batches(
            [len(self.corpus.captions(video)) for video in self.corpus.ids("train")],
            batch_size=self.batch_size,
            captions_per_video=self.captions_per_video,
            captions_per_epoch=self.captions_per_epoch,
            seed=self.seed,
            epoch=epoch,
        )

    def train_dataloader(self) -> DataLoader:
        """Asked for anew each epoch (``reload_dataloaders_every_n_epochs=1``), so it starts where a resumed run stands."""
        ids = self.corpus.ids("train")
        if self._tokens is None:
            self._tokens = [self.tokenizer.encode(self.corpus.captions(video)) for video in ids]
            width = max(tokens.size(1) for tokens in self._tokens)
            self._tokens = [
                torch.nn.functional.pad(tokens, (0, width - tokens.size(1))) for tokens in self._tokens
            ]
        epoch = 0 if self.trainer is None else self.trainer.current_epoch
        batches = self.batches(epoch)
        return _loader(
            _Pairs(self.source, ids, self._tokens), _Skip(batches, self._done(len(batches))), self.num_workers
        )

    def _done(self, num_batches: int) -> int:
        """Batches of this epoch that a killed run had done before its last checkpoint."""
        if self.trainer is None or not self.trainer.fit_loop.restarting:
            return 0
        ready = self.trainer.fit_loop.epoch_loop.batch_progress.current.ready
        return ready if ready < num_batches else 0

    def val_dataloader(self) -> DataLoader:
        """Videos of the validation split in order of their ids."""
        ids = self.corpus.ids("val")
        rows = [list(range(start, min(start + 64, len(ids)))) for start in range(0, len(ids), 64)]
        return _loader(_Videos(self.source, ids), rows, self.num_workers)


class _Skip(Sequence):
    """The batches of an epoch, of which iteration leaves out those done before a resume; the length stays whole."""

    def __init__(self, batches: list[list[PairGroup]], done: int) -> None:
        self.batches, self.done = batches, done

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: Any) -> Any:
        return self.batches[index]

    def __iter__(self) -> Iterator[list[PairGroup]]:
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
