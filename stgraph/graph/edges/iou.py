"""Space edges within a frame, weighted by the overlap of boxes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from stgraph.checking import axes, checked
from stgraph.graph.edges.blocks import blocks_of_runs, chunks, frame_runs, softmax_blocks
from stgraph.graph.edges.rule import adjacent_only, check_temperature
from stgraph.large_tensors import concatenated
from stgraph.typing import FloatTensor, IndexTensor

__all__ = ["IouEdges", "iou_edges"]


@checked
@adjacent_only
@axes(boxes="N 4", features="N F", frame="N")
def iou_edges(boxes: FloatTensor, features: FloatTensor, frame: IndexTensor) -> tuple[Tensor, Tensor]:
    r"""Links all pairs of boxes of a frame, self-loops included, weighted by a softmax of their overlap.

    .. math:: G^{space}_{tij} = \frac{\exp \sigma_{tij}}{\sum_{j=1}^{N_t} \exp \sigma_{tij}}

    with :math:`\sigma_{tij}` the intersection over union. Boxes that don't overlap get
    the weight exp(0)/Z. A box without area has no overlap, not even with itself.

    Args:
        boxes: Corners x1, y1, x2, y2.
        features: Not used.
        frame: Number of each box's frame, sorted.

    Shapes: boxes ``[N, 4]``, features ``[N, F]``, frame ``[N]`` -> edge_index ``[2, E]`` sorted by (i, j),
        weight ``[E]``.
    Reference: Eq. 1 of https://arxiv.org/abs/2003.13942.

    >>> boxes = torch.tensor([[0.0, 0, 2, 2], [5, 5, 6, 6]])
    >>> iou_edges(boxes, torch.zeros(2, 1), torch.tensor([0, 0]))[1]
    tensor([0.7311, 0.2689, 0.2689, 0.7311])
    """
    return _edges(boxes, frame, 1.0)


@checked
@adjacent_only
@dataclass(frozen=True)
class IouEdges:
    r"""The rule :func:`iou_edges` with a temperature.

    .. math:: G^{space}_{tij} = \frac{\exp(\sigma_{tij} / \tau)}{\sum_{j=1}^{N_t} \exp(\sigma_{tij} / \tau)}

    Args:
        temperature: :math:`\tau`; 1 is the paper's Eq. 1, smaller values favour the largest overlap.

    Raises:
        OptionError: If the temperature is below 0.001 or not finite.

    Reference: our own design, after Eq. 1 of https://arxiv.org/abs/2003.13942.

    >>> boxes = torch.tensor([[0.0, 0, 2, 2], [5, 5, 6, 6]])
    >>> IouEdges(temperature=0.25)(boxes, torch.zeros(2, 1), torch.tensor([0, 0]))[1]
    tensor([0.9820, 0.0180, 0.0180, 0.9820])
    """

    temperature: float = 1.0

    def __post_init__(self) -> None:
        check_temperature(self.temperature)

    @axes(boxes="N 4", features="N F", frame="N")
    def __call__(
        self, boxes: FloatTensor, features: FloatTensor, frame: IndexTensor
    ) -> tuple[Tensor, Tensor]:
        """Computes the edges; see :func:`iou_edges`."""
        return _edges(boxes, frame, self.temperature)


def _edges(boxes: Tensor, frame: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    if len(frame) == 0:
        return frame.new_zeros(2, 0), boxes.new_zeros(0)
    _, first, count = frame_runs(frame)
    edges, weights = [], []
    for start, end in chunks(len(count), int(count.max()) ** 2):
        begin, size = first[start:end], count[start:end]
        overlap = _overlap(blocks_of_runs(boxes, begin, size))
        pairs, weight = softmax_blocks(overlap, (begin, size), (begin, size), temperature)
        edges.append(pairs)
        weights.append(weight)
    return concatenated(edges, dim=1), concatenated(weights)


def _overlap(boxes: Tensor) -> Tensor:
    """IoU of all pairs in each block: ``[R, n, 4]`` -> ``[R, n, n]``."""
    x1, y1, x2, y2 = boxes.unbind(dim=-1)
    area = (x2 - x1) * (y2 - y1)
    shared = _shared(x1, x2) * _shared(y1, y2)
    union = area[:, :, None] + area[:, None] - shared
    return torch.where(union > 0, shared / union, 0)


def _shared(low: Tensor, high: Tensor) -> Tensor:
    """Length of the intersection of each pair of intervals: ``[R, n]`` -> ``[R, n, n]``."""
    length = torch.minimum(high[:, :, None], high[:, None]) - torch.maximum(low[:, :, None], low[:, None])
    return length.clamp_(min=0)
