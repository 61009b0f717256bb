"""The LSTM cell of STAT."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import dropout

from stgraph.checking import axes, checked
from stgraph.nn.layer import Layer
from stgraph.nn.linear import Linear
from stgraph.typing import FloatTensor, Probability, Width, check_shape

__all__ = ["GateDropoutLSTMCell"]


@checked
class GateDropoutLSTMCell(Layer):
    r"""LSTM cell with dropout on the pre-activations of its gates, not of its candidate.

    .. math:: [a_i; a_f; a_o; a_g] = U h + W x + b, \quad
        c' = \sigma(d(a_f)) c + \sigma(d(a_i)) \tanh(a_g), \quad h' = \sigma(d(a_o)) \tanh(c')

    where d is dropout, so a dropped gate is one half. A word and a context are concatenated to one input: W [x ; ctx] is
    W x + W_c ctx.

    Args:
        in_channels: Width D of the input.
        hidden_channels: Width H of the state.
        dropout: Share of the gates' pre-activations that is set to 0; the others are scaled up.

    Shapes: x ``[P, D]``, state (h, c) ``[P, H]`` each -> (h', c').

    Raises:
        ShapeError: If the input has another width.

    Reference: Tu et al., ACM MM 2017, the authors' released code.
    """

    def __init__(self, in_channels: Width, hidden_channels: Width, dropout: Probability = 0.0) -> None:
        super().__init__()
        self.in_channels, self.hidden_channels, self.dropout = in_channels, hidden_channels, dropout
        self.gates = Linear(in_channels + hidden_channels, 4 * hidden_channels)

    @axes(x="P D=in_channels", state="P H=hidden_channels")
    def forward(self, x: FloatTensor, state: tuple[FloatTensor, FloatTensor]) -> tuple[Tensor, Tensor]:
        """Computes one step."""
        check_shape("x", x, "P D", D=self.in_channels)
        hidden, cell = state
        parts = self.gates(torch.cat([x, hidden], dim=-1))
        gates, candidate = parts.split([3 * self.hidden_channels, self.hidden_channels], dim=-1)
        enter, keep, leave = dropout(gates, self.dropout, self.training).sigmoid().chunk(3, dim=-1)
        cell = keep * cell + enter * candidate.tanh()
        return leave * cell.tanh(), cell
