"""The LSTM cell of STAT."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout

from stgraph.nn.layer import Layer
from stgraph.typing import check_shape

__all__ = ["GateDropoutLSTMCell"]


class GateDropoutLSTMCell(Layer):
    r"""An LSTM cell whose gates, not its candidate, lose part of their pre-activations in training.

    .. math:: [a_i; a_f; a_o; a_g] = U h + W x + b, \quad
        c' = \sigma(d(a_f)) c + \sigma(d(a_i)) \tanh(a_g), \quad h' = \sigma(d(a_o)) \tanh(c')

    where d is dropout: a gate that is hit stands at one half. An input of two parts, a word and a context, is one
    vector: W [x ; ctx] is W x + W_c ctx.

    Args:
        in_channels, hidden_channels: Widths of the input and of the state.
        dropout: Share of the gates' pre-activations that is set to 0; the others are divided by what is left.

    Shapes: x ``[P, D]``, state (h, c) ``[P, H]`` each -> (h', c').
    Raises: ShapeError: Another width.
    Reference: Tu et al., ACM MM 2017, the authors' released code.
    """

    def __init__(self, in_channels: int, hidden_channels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.in_channels, self.hidden_channels, self.dropout = in_channels, hidden_channels, dropout
        self.gates = nn.Linear(in_channels + hidden_channels, 4 * hidden_channels)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """One step."""
        check_shape("x", x, "P D", D=self.in_channels)
        hidden, cell = state
        parts = self.gates(torch.cat([x, hidden], dim=-1))
        gates, candidate = parts.split([3 * self.hidden_channels, self.hidden_channels], dim=-1)
        enter, keep, leave = dropout(gates, self.dropout, self.training).sigmoid().chunk(3, dim=-1)
        cell = keep * cell + enter * candidate.tanh()
        return leave * cell.tanh(), cell
