"""Time edges by likeness."""

from __future__ import annotations

import torch
from torch import Tensor

from stgraph.graph.edges.blocks import blocks_of_runs, chunks, frame_runs, softmax_blocks
from stgraph.graph.edges.rule import adjacent_only

__all__ = ["cosine_edges"]


@adjacent_only
def cosine_edges(boxes: Tensor, features: Tensor, frame: Tensor) -> tuple[Tensor, Tensor]:
    r"""Links all boxes of a frame to all of the next, by softmax of the cosine of their features.

    .. math::
        G^{time}_{tij} = \frac{\exp \cos(o_t^i, o_{t+1}^j)}{\sum_{j=1}^{N_{t+1}} \exp \cos(o_t^i, o_{t+1}^j)}

    A frame without boxes cuts the chain. The cosine with a vector of zeros is 0.

    Args:
        boxes: Not used.
        features: Appearance of each box.
        frame: Number of each box's frame, sorted.

    Shapes: boxes ``[N, 4]``, features ``[N, F]``, frame ``[N]`` -> edge_index ``[2, E]`` sorted by (i, j),
        weight ``[E]``.
    Reference: Eq. 2 of https://arxiv.org/abs/2003.13942.

    >>> features = torch.tensor([[1.0, 0], [2, 0], [0, 3]])
    >>> edge_index, weight = cosine_edges(torch.zeros(3, 4), features, torch.tensor([0, 1, 1]))
    >>> edge_index.tolist(), weight
    ([[0, 0], [1, 2]], tensor([0.7311, 0.2689]))
    """
    if len(frame) == 0:
        return frame.new_zeros(2, 0), features.new_zeros(0)
    number, first, count = frame_runs(frame)
    # Rows of a run that the next run doesn't follow at once are left out.
    num_rows = torch.where(number.diff() == 1, count[:-1], 0)
    length = torch.linalg.vector_norm(features, dim=1)
    scale = torch.where(length > 0, 1 / length, 0)
    edges, weights = [frame.new_zeros(2, 0)], [features.new_zeros(0)]
    for start, end in chunks(len(num_rows), int(count.max()) * max(features.size(1), int(count.max()))):
        begin, size = first[start : end + 1], count[start : end + 1]
        block = blocks_of_runs(features, begin, size)
        shrink = blocks_of_runs(scale, begin, size)
        cosine = torch.bmm(block[:-1], block[1:].mT) * shrink[:-1, :, None] * shrink[1:, None]
        pair, i, j, weight = softmax_blocks(cosine, num_rows[start:end], size[1:])
        edges.append(torch.stack([begin[pair] + i, begin[pair + 1] + j]))
        weights.append(weight)
    return torch.cat(edges, dim=1), torch.cat(weights)
