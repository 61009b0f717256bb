"""What the training loop moves to a device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch_geometric.data import Batch

from stgraph.datasets.loading.process_shards import StepTotals

__all__ = ["CaptionBatch"]


@dataclass(frozen=True)
class CaptionBatch:
    """Graphs of B videos and P captions of them.

    Args:
        totals: What the means of the loss divide by; None outside of training.

    Shapes: tokens ``[P, L]`` with begin and end marks and padding 0, video ``[P]`` (each caption's graph in the batch),
        owned ``[B]`` (True for a video whose frames count here; see :class:`RankShard`).
    """

    graphs: Batch
    video_ids: list[str]
    tokens: Tensor
    video: Tensor
    owned: Tensor | None = None
    totals: StepTotals | None = None

    def split(self, num_captions: int) -> Iterator[CaptionBatch]:
        """Parts of at most so many captions, each with the graphs of its videos alone."""
        for start in range(0, len(self.tokens), num_captions):
            video = self.video[start : start + num_captions]
            chosen, place = video.unique(return_inverse=True)
            rows = chosen.tolist()
            yield CaptionBatch(
                Batch.from_data_list([self.graphs[row] for row in rows]),
                [self.video_ids[row] for row in rows],
                self.tokens[start : start + num_captions],
                place,
            )

    def to(self, device: torch.device | str, non_blocking: bool = False) -> CaptionBatch:
        """The same on another device."""
        return replace(
            self,
            graphs=self.graphs.to(device, non_blocking=non_blocking),
            tokens=self.tokens.to(device, non_blocking=non_blocking),
            video=self.video.to(device, non_blocking=non_blocking),
            owned=None if self.owned is None else self.owned.to(device, non_blocking=non_blocking),
        )
