"""Edge weights that depend on the relative position of two boxes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stgraph.checking import axes, checked
from stgraph.nn.layer import Layer, uninitialized_linear
from stgraph.typing import FloatTensor, IndexTensor, Width, check_shape

__all__ = ["RelativeGeometry"]


@checked
class RelativeGeometry(Layer):
    r"""Multiplies each edge weight by a learned positive function of the relative position of its boxes.

    .. math::
        G'_{ij} = G_{ij} \exp(u \cdot \tanh(W g_{ij} + b)), \quad g_{ij} = \left[\operatorname{asinh}
            \frac{x_j - x_i}{w_i}, \operatorname{asinh} \frac{y_j - y_i}{h_i}, \log \frac{w_j}{w_i},
            \log \frac{h_j}{h_i}\right]

    with (x, y) the centre and (w, h) the size of a box; asinh, logarithmic far from 0, bounds the offsets of distant boxes.
    u starts at zero, so that training starts from G. A box without area (an absent object) has no position: its edges keep
    their weight.

    Args:
        hidden_channels: Rows of W.

    Shapes: box ``[N, 4]`` (x1, y1, x2, y2), edge_index ``[2, E]``, edge_weight ``[E]`` -> ``[E]``.

    Raises:
        ShapeError: If an argument has other axes.

    Reference: our own design, after the geometric features of https://arxiv.org/abs/1711.11575.

    >>> box = torch.tensor([[0.0, 0, 2, 2], [5, 5, 6, 6]])
    >>> RelativeGeometry()(box, torch.tensor([[0], [1]]), torch.tensor([0.25])).tolist()
    [0.25]
    """

    def __init__(self, hidden_channels: Width = 32) -> None:
        super().__init__()
        self.hidden = uninitialized_linear(4, hidden_channels)
        self.log_factor = uninitialized_linear(hidden_channels, 1, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws W and b again and sets u to zeros."""
        super().reset_parameters()
        nn.init.zeros_(self.log_factor.weight)

    @axes(box="N 4", edge_index="2 E <N", edge_weight="E")
    def forward(self, box: FloatTensor, edge_index: IndexTensor, edge_weight: FloatTensor) -> Tensor:
        """Computes the weights of the edges, before they are normalised."""
        check_shape("box", box, "N 4")
        check_shape("edge_index", edge_index, "2 E")
        check_shape("edge_weight", edge_weight, "E", E=edge_index.size(1))
        size = box[:, 2:] - box[:, :2]
        real = (size > 0).all(dim=1)
        size = size.where(real[:, None], 1)  # any size will do where nothing comes of it
        center = (box[:, :2] + box[:, 2:]) / 2
        i, j = edge_index[0], edge_index[1]
        away = torch.asinh((center[j] - center[i]) / size[i])
        log_size = size.log()
        geometry = torch.cat([away, log_size[j] - log_size[i]], dim=1)
        log_factor = self.log_factor(self.hidden(geometry).tanh())[:, 0].to(edge_weight.dtype)
        return edge_weight * (log_factor * (real[i] & real[j])).exp()
