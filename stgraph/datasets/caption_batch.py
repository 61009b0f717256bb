"""What the training loop moves to a device."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch_geometric.data import Batch

__all__ = ["CaptionBatch"]


@dataclass(frozen=True)
class CaptionBatch:
    """Graphs of B videos and P captions of them.

    Shapes: tokens ``[P, L]`` with begin and end marks and padding 0, video ``[P]`` (each caption's graph in the batch).
    """

    graphs: Batch
    video_ids: list[str]
    tokens: Tensor
    video: Tensor

    def to(self, device: torch.device | str, non_blocking: bool = False) -> CaptionBatch:
        """The same on another device."""
        return replace(
            self,
            graphs=self.graphs.to(device, non_blocking=non_blocking),
            tokens=self.tokens.to(device, non_blocking=non_blocking),
            video=self.video.to(device, non_blocking=non_blocking),
        )
