"""Time edges between adjacent frames, weighted by the cosine similarity of their features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from stgraph.checking import axes, checked
from stgraph.errors import OptionError
from stgraph.graph.edges.blocks import blocks_of_runs, chunks, frame_runs, softmax_blocks
from stgraph.graph.edges.rule import adjacent_only, check_temperature, sort_edges, wants_video
from stgraph.large_tensors import concatenated
from stgraph.typing import FloatTensor, IndexTensor

__all__ = ["CosineEdges", "cosine_edges"]

_PIECE = 2**19
"""Largest number of elements of features whose products are computed at once: 2 MB in float32."""


@checked
@adjacent_only
@axes(boxes="N 4", features="N F", frame="N")
def cosine_edges(boxes: FloatTensor, features: FloatTensor, frame: IndexTensor) -> tuple[Tensor, Tensor]:
    r"""Links every box of a frame to every box of the next one, weighted by a softmax of feature cosines.

    .. math::
        G^{time}_{tij} = \frac{\exp \cos(o_t^i, o_{t+1}^j)}{\sum_{j=1}^{N_{t+1}} \exp \cos(o_t^i, o_{t+1}^j)}

    No edge crosses a frame without boxes. The cosine with a zero vector is 0.

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
    return CosineEdges()(boxes, features, frame)


@checked
@adjacent_only
@wants_video
@dataclass(frozen=True)
class CosineEdges:
    r"""Extends :func:`cosine_edges` by a temperature, centred features and edges back in time.

    .. math::
        G^{time}_{tij} = \frac{\exp(\cos(o_t^i - m, o_{t+1}^j - m) / \tau)}
            {\sum_{j=1}^{N_{t+1}} \exp(\cos(o_t^i - m, o_{t+1}^j - m) / \tau)}

    Args:
        temperature: :math:`\tau`; 1 is the paper's Eq. 2, smaller values favour the most similar box.
        center: Whether m is the mean feature of the video's boxes instead of 0. Zero vectors stand for unknown
            features: they are left out of the mean, and their cosines stay 0.
        direction: "forward" links t to t + 1; "both" also links t + 1 to t, by the same formula with the frames
            exchanged and a separate softmax.

    Raises:
        OptionError: If the temperature is below 0.001 or not finite, or the direction is unknown.

    Reference: our own design, after Eq. 2 of https://arxiv.org/abs/2003.13942.

    >>> features = torch.tensor([[1.0, 0], [2, 0], [0, 3]])
    >>> CosineEdges(temperature=0.25)(torch.zeros(3, 4), features, torch.tensor([0, 1, 1]))[1]
    tensor([0.9820, 0.0180])
    """

    temperature: float = 1.0
    center: bool = False
    direction: Literal["forward", "both"] = "forward"

    def __post_init__(self) -> None:
        check_temperature(self.temperature)
        if self.direction not in ("forward", "both"):
            raise OptionError(f"'direction' must be 'forward' or 'both', got {self.direction!r}.")

    @axes(boxes="N 4", features="N F", frame="N", video="N")
    def __call__(
        self, boxes: FloatTensor, features: FloatTensor, frame: IndexTensor, video: IndexTensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Computes the edges; see :func:`cosine_edges`.

        Args:
            boxes: Not used.
            features: Appearance of each box, ``[N, F]``.
            frame: Number of each box's frame, sorted, ``[N]``.
            video: Number of each box's video, ``[N]``, for the means; None if all boxes belong to one video.

        Returns:
            Edges ``[2, E]`` sorted by (i, j), and weights ``[E]``.
        """
        if len(frame) == 0:
            return frame.new_zeros(2, 0), features.new_zeros(0)
        if self.center:
            features = _centered(features, torch.zeros_like(frame) if video is None else video)
        number, first, count = frame_runs(frame)
        adjacent = number.diff() == 1  # no edges where frames without boxes lie between two runs
        edges, weights = [frame.new_zeros(2, 0)], [features.new_zeros(0)]
        most = int(count.max())
        for start, end in chunks(len(adjacent), most * most):
            begin, size, near = first[start : end + 1], count[start : end + 1], adjacent[start:end]
            cosine = _cosines(features, begin, size)
            earlier, later = (begin[:-1], size[:-1]), (begin[1:], size[1:])
            ways = [(cosine, earlier, later)]
            if self.direction == "both":
                ways.append((cosine.mT, later, earlier))
            for similarity, (first_row, num_rows), cols in ways:
                rows = first_row, torch.where(near, num_rows, 0)
                pairs, weight = softmax_blocks(similarity, rows, cols, self.temperature)
                edges.append(pairs)
                weights.append(weight)
        edge_index, weight = concatenated(edges, dim=1), concatenated(weights)
        if self.direction == "both":
            edge_index, weight, _ = sort_edges(len(frame), edge_index, weight)
        return edge_index, weight


def _cosines(features: Tensor, first: Tensor, count: Tensor) -> Tensor:
    """Cosines of the boxes of each run with those of the next one, ``[R - 1, n, n]``.

    Lengths and products are computed for pieces of ``_PIECE`` elements, so that the products find in the cache the features
    that the lengths have just read, and runs of different lengths are copied piece by piece. Larger pieces suit a GPU.
    """
    height, cosines = int(count.max()), []
    largest = _PIECE if features.device.type == "cpu" else 64 * _PIECE
    step = max(1, largest // max(1, height * features.size(1)))
    for start in range(0, len(count) - 1, step):
        piece = slice(start, start + step + 1)
        block = blocks_of_runs(features, first[piece], count[piece], height)
        length = torch.linalg.vector_norm(block, dim=-1)
        scale = torch.where(length > 0, 1 / length, 0)
        cosines.append(torch.bmm(block[:-1], block[1:].mT) * scale[:-1, :, None] * scale[1:, None])
    return cosines[0] if len(cosines) == 1 else torch.cat(cosines)


def _centered(features: Tensor, video: Tensor) -> Tensor:
    """Subtracts the mean feature of each video; zero rows are left out of the mean and stay zero."""
    known = torch.linalg.vector_norm(features, dim=1) > 0
    row = known.nonzero()[:, 0]
    if len(row) == 0:
        return features
    count = torch.bincount(video[row])
    # Subtract one row of the video first: equal features then give exact zeros instead of rounding errors.
    one = row[(count.cumsum(0) - count).clamp(max=len(row) - 1)]
    video = video.clamp(max=len(count) - 1)  # zero rows may belong to later videos than the last known row
    centered = features[one[video]]
    torch.sub(features, centered, out=centered)
    centered[~known] = 0
    mean = features.new_zeros(len(count), features.size(1)).index_add_(0, video, centered)
    centered -= (mean / count.clamp(min=1)[:, None])[video]
    centered[~known] = 0
    return centered
