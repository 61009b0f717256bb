"""Weighted combination of the ST and TS branches of STaTS."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stgraph.checking import axes, checked
from stgraph.nn.layer import Layer
from stgraph.nn.linear import Linear
from stgraph.typing import FloatTensor, Width, check_shape

__all__ = ["BranchCombination"]


@checked
class BranchCombination(Layer):
    r"""Combines the vectors of both branches with weights that depend on the language state.

    .. math:: \hat{x} = \tanh\Big(\frac{e^{\beta_1} \hat{x}_{ST} + e^{\beta_2} \hat{x}_{TS}}{e^{\beta_1} + e^{\beta_2}}\Big),
        \quad \beta_k = w_k \cdot \tanh(W_k \hat{x}_k + W_h h)

    :math:`W_h` is shared by both branches, as the paper writes it with one symbol.

    Args:
        in_channels: Width D of the vectors.
        query_channels: Width H of h.
        hidden_channels: Width of the common space.

    Shapes: query ``[P, H]``, st and ts ``[P, D]`` -> vector ``[P, D]`` and weights ``[P, 2]``.

    Raises:
        ShapeError: If a vector has another width.

    Reference: Cherian et al., WACV 2020, Eq. 12.
    """

    def __init__(self, in_channels: Width, query_channels: Width, hidden_channels: Width) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.vectors = nn.ModuleList(Linear(in_channels, hidden_channels, bias=False) for _ in range(2))
        self.scores = nn.ModuleList(Linear(hidden_channels, 1, bias=False) for _ in range(2))
        self.query = Linear(query_channels, hidden_channels, bias=False)

    @axes(query="P H=query.in_features", st="P D=in_channels", ts="P D=in_channels")
    def forward(self, query: FloatTensor, st: FloatTensor, ts: FloatTensor) -> tuple[Tensor, Tensor]:
        """Applies Eq. 12."""
        check_shape("st", st, "P D", P=query.size(0), D=self.in_channels)
        check_shape("ts", ts, "P D", P=query.size(0), D=self.in_channels)
        state = self.query(query)
        parts = zip((st, ts), self.vectors, self.scores, strict=True)
        beta = torch.cat([score((vector(x) + state).tanh()) for x, vector, score in parts], dim=-1)
        weights = beta.softmax(-1)
        return (weights[:, :1] * st + weights[:, 1:] * ts).tanh(), weights
