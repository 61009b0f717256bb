"""What a word attends to, as shares of frames, boxes and grid cells that add up."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from stgraph.checking import checked

__all__ = ["AttentionShares", "at_nodes", "even_regions"]


@checked
@dataclass(frozen=True, eq=False)
class AttentionShares:
    """Shares of frames and regions in the vector that a model's attention computes for each word of one caption.

    The maps of several branches, streams and levels are multiplied and added as the model does it, so that shares of
    different systems can be compared.

    Args:
        frames: Share of each frame; they sum to 1 over the frames.
        nodes: Share of each box; None if the branch reads no boxes.
        cells: Share of each grid cell; None if the branch reads no grid.

    Shapes: frames ``[L, T]``, nodes ``[L, N]``, cells ``[L, T, S]``.
    """

    frames: Tensor
    nodes: Tensor | None = None
    cells: Tensor | None = None


def at_nodes(regions: Tensor, frame: Tensor) -> Tensor:
    """Picks the weight of each node from weights of padded regions, ``[L, T, S]`` and frame ``[N]`` -> ``[L, N]``.

    >>> at_nodes(torch.tensor([[[0.5, 0.0], [0.2, 0.3]]]), torch.tensor([0, 1, 1]))
    tensor([[0.5000, 0.2000, 0.3000]])
    """
    first = torch.searchsorted(frame, frame)  # nodes are sorted by frame
    return regions[:, frame, torch.arange(len(frame), device=frame.device) - first]


def even_regions(mask: Tensor) -> Tensor:
    """Equal weights of the real regions of each frame, ``[T, S]`` -> ``[T, S]``; zeros in a frame without any."""
    return mask / mask.sum(1, keepdim=True).clamp(min=1)
