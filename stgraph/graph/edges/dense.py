"""Edges of the dense ablation."""

from __future__ import annotations

import torch
from torch import Tensor

from stgraph.checking import axes, checked
from stgraph.typing import FloatTensor, IndexTensor

__all__ = ["dense_edges"]


@checked
@axes(boxes="N 4", features="N F", frame="N")
def dense_edges(boxes: FloatTensor, features: FloatTensor, frame: IndexTensor) -> tuple[Tensor, Tensor]:
    """Links all pairs of boxes of a video, self-loops included, with weight 1: N x N edges.

    Args:
        boxes: Not used.
        features: Only their type is used.
        frame: Number of each box's frame.

    Shapes: boxes ``[N, 4]``, features ``[N, F]``, frame ``[N]`` -> edge_index ``[2, N * N]`` sorted by (i,
        j), weight ``[N * N]``.
    Reference: the dense graph of Table 3, https://arxiv.org/abs/2003.13942.

    >>> dense_edges(torch.zeros(2, 4), torch.zeros(2, 1), torch.tensor([0, 3]))
    (tensor([[0, 0, 1, 1],
            [0, 1, 0, 1]]), tensor([1., 1., 1., 1.]))
    """
    num_nodes = len(frame)
    node = torch.arange(num_nodes, device=frame.device)
    edge_index = torch.stack([node.repeat_interleave(num_nodes), node.repeat(num_nodes)])
    return edge_index, features.new_ones(num_nodes**2)
