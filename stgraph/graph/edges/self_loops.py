"""Self-loops only: the adjacency matrix is the identity."""

from __future__ import annotations

import torch
from torch import Tensor

from stgraph.checking import axes, checked
from stgraph.graph.edges.rule import adjacent_only
from stgraph.typing import FloatTensor, IndexTensor

__all__ = ["self_edges"]


@checked
@adjacent_only
@axes(boxes="N 4", features="N F", frame="N")
def self_edges(boxes: FloatTensor, features: FloatTensor, frame: IndexTensor) -> tuple[Tensor, Tensor]:
    """Links each box only to itself, with weight 1, so that the adjacency matrix is the identity.

    Args:
        boxes: Not used.
        features: Only their type is used.
        frame: Number of each box's frame.

    Shapes: boxes ``[N, 4]``, features ``[N, F]``, frame ``[N]`` -> edge_index ``[2, N]``, weight ``[N]``.
    Reference: our own design; reduces graph convolutions to layers without a graph.

    >>> self_edges(torch.zeros(2, 4), torch.zeros(2, 1), torch.tensor([0, 0]))
    (tensor([[0, 1],
            [0, 1]]), tensor([1., 1.]))
    """
    node = torch.arange(len(frame), device=frame.device)
    return torch.stack([node, node]), features.new_ones(len(frame))
