"""Sinusoidal position encodings."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from stgraph.checking import axes, checked
from stgraph.typing import FloatTensor, OptionalWidth, Width

__all__ = ["SinusoidalPositions"]


@checked
class SinusoidalPositions(nn.Module):
    r"""Adds :math:`\sin(l / 10000^{2i/d})` and :math:`\cos(l / 10000^{2i/d})` to channels 2i and 2i + 1.

    Args:
        hidden_channels: d.

    Shapes: x ``[B, L, d]`` -> ``[B, L, d]``; ``start`` is the position of the first row.

    Reference: Vaswani et al., NeurIPS 2017, section 3.5.
    """

    def __init__(self, hidden_channels: Width) -> None:
        super().__init__()
        self.hidden_channels = hidden_channels
        # No buffer: averages of weights (EMA, SWA) copy buffers, and this one grows.
        self._table = torch.empty(0, hidden_channels)

    @axes(x="B L d=hidden_channels")
    def forward(self, x: FloatTensor, start: OptionalWidth = 0) -> Tensor:
        """Adds the positions; the table grows with the longest input."""
        end = start + x.size(1)
        if self._table.size(0) < end or self._table.device != x.device:
            self._table = self._make(max(end, 64)).to(x.device)
        return x + self._table[start:end].to(x.dtype)

    def _make(self, length: int) -> Tensor:
        position = torch.arange(length, dtype=torch.float64)[:, None]
        even = torch.arange(0, self.hidden_channels, 2, dtype=torch.float64)
        angle = position * torch.exp(-math.log(10000.0) * even / self.hidden_channels)
        table = torch.zeros(length, self.hidden_channels, dtype=torch.float64)
        table[:, 0::2] = angle.sin()
        table[:, 1::2] = angle.cos()[:, : self.hidden_channels // 2]
        return table.float()
