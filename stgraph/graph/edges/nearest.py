"""Space edges from each box to the nearest ones of its frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from stgraph.checking import axes, checked
from stgraph.errors import OptionError
from stgraph.graph.edges.blocks import blocks_of_runs, chunks, frame_runs
from stgraph.graph.edges.rule import adjacent_only
from stgraph.typing import FloatTensor, IndexTensor

__all__ = ["NearestEdges"]


@checked
@adjacent_only
@dataclass(frozen=True)
class NearestEdges:
    r"""Links each box to the k nearest other boxes of its frame, however far away they are, with weight 1.

    The distance of two boxes is that of their nearest points, which is 0 for boxes that touch or overlap; among equal
    distances the nearer centre comes first, then the earlier box. Unlike :class:`IouEdges` it tells apart boxes that do not
    overlap. A frame with at most k + 1 boxes is linked completely, and boxes without area (absent objects) get no edge.

    Args:
        k: Largest number of edges that leave a box.

    Raises:
        OptionError: If ``k`` is not a whole number of at least 1.

    Reference: our own design.

    >>> boxes = torch.tensor([[0.0, 0, 2, 2], [3, 0, 5, 2], [9, 0, 11, 2]])
    >>> NearestEdges(1)(boxes, torch.zeros(3, 1), torch.zeros(3).long())[0].tolist()
    [[0, 1, 2], [1, 0, 1]]
    """

    k: int = 3

    def __post_init__(self) -> None:
        if isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 1:
            raise OptionError(f"'k' must be a whole number of at least 1, got {self.k!r}.")

    @axes(boxes="N 4", features="N F", frame="N")
    def __call__(
        self, boxes: FloatTensor, features: FloatTensor, frame: IndexTensor
    ) -> tuple[Tensor, Tensor]:
        """Computes the edges.

        Args:
            boxes: Corners x1, y1, x2, y2 of each box, ``[N, 4]``.
            features: Only their type is used.
            frame: Number of each box's frame, sorted, ``[N]``.

        Returns:
            Edges ``[2, E]`` sorted by (i, j), and weights ``[E]``.
        """
        real = ((boxes[:, 2:] - boxes[:, :2]) > 0).all(1).nonzero()[:, 0]
        if len(real) == 0:
            return frame.new_zeros(2, 0), features.new_zeros(0)
        box = boxes[real].double()
        _, first, count = frame_runs(frame[real])
        longest = int(count.max())
        place = torch.arange(longest, device=frame.device)
        edges = [frame.new_zeros(2, 0)]
        for start, end in chunks(len(first), longest**2):
            begin, size = first[start:end], count[start:end]
            block = blocks_of_runs(box, begin, size)
            low, high = block[..., :2], block[..., 2:]
            apart = torch.maximum(low[:, :, None], low[:, None]) - torch.minimum(
                high[:, :, None], high[:, None]
            )
            centers = (low + high) / 2
            distance = torch.linalg.vector_norm(apart.clamp(min=0), dim=-1)
            far = torch.linalg.vector_norm(centers[:, :, None] - centers[:, None], dim=-1)
            absent = place >= size[:, None]
            none = absent[:, None] | absent[:, :, None] | (place == place[:, None])
            by_center = far.argsort(dim=-1, stable=True)
            order = distance.masked_fill(none, torch.inf).gather(2, by_center).argsort(dim=-1, stable=True)
            nearest = by_center.gather(2, order)[..., : self.k]
            kept = ~none.gather(2, nearest)
            run, row, _ = kept.nonzero(as_tuple=True)
            pairs = torch.stack([begin[run] + row, begin[run] + nearest[kept]])
            edges.append(pairs[:, (pairs[0] * len(box) + pairs[1]).argsort()])
        edge_index = real[torch.cat(edges, dim=1)]
        return edge_index, features.new_ones(edge_index.size(1))
