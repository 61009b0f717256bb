"""Objects and their graph -> one vector a frame."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from stgraph.nn.conv import NormalizedAdjacency, ResidualGCNConv
from stgraph.nn.pool import FrameMeanPool
from stgraph.typing import check_shape

__all__ = ["GraphEncoder"]


class GraphEncoder(nn.Module):
    r"""The object branch up to the language model: projection, graph convolutions, mean over each frame.

    .. math:: H^{(0)} = F_o W_o, \quad H^{(l+1)} = \text{Eq. 4}, \quad F'_o = \text{frame means of } H^{(N_l)}

    Args:
        in_channels: Width of an object's feature, F.
        hidden_channels: Width inside and out, d.
        num_layers: Graph convolutions; 0 leaves the projection only.
        flow: Which way messages run; see :class:`ResidualGCNConv`.

    Shapes: x ``[N, F]``, edge_index ``[2, E]``, edge_weight ``[E]``, frame ``[N]`` -> ``[num_frames, d]``.
    Raises: ShapeError: ``x`` has another width.
    Reference: Pan et al., CVPR 2020, Eq. 4-5 and section 3.2.
    """

    def __init__(
        self, in_channels: int, hidden_channels: int, num_layers: int = 3, *, flow: str = "target_to_source"
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.project = nn.Linear(in_channels, hidden_channels, bias=False)
        self.layers = nn.ModuleList(ResidualGCNConv(hidden_channels, flow=flow) for _ in range(num_layers))
        self.pool = FrameMeanPool()

    def forward(
        self, x: Tensor, edge_index: Any, edge_weight: Tensor | None, frame: Tensor, num_frames: int
    ) -> Tensor:
        """Frames of all videos of the batch, one below the other."""
        return self.pool(self.nodes(x, edge_index, edge_weight), frame, num_frames)

    def nodes(self, x: Tensor, edge_index: Any, edge_weight: Tensor | None) -> Tensor:
        """The objects after the last convolution ``[N, d]``."""
        check_shape("x", x, "N F", F=self.in_channels)
        h = self.project(x)
        if len(self.layers):
            graph = NormalizedAdjacency.wrap(edge_index, edge_weight, x.size(0))
            for layer in self.layers:
                h = layer(h, graph)
        return h
