"""Recurrent pool: one vector per group of rows, which keeps their order."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch_geometric.utils import to_dense_batch

from stgraph.checking import axes, checked
from stgraph.errors import OptionError
from stgraph.nn.layer import Layer
from stgraph.typing import FloatTensor, IndexTensor, Rows, Width, check_shape

__all__ = ["RecurrentPool"]


@checked
class RecurrentPool(Layer):
    """The last states of a GRU that reads the rows of each group forwards and backwards; an empty group is a zero row.

    Args:
        channels: Width of a row; even, as each direction has half of it.

    Shapes: x ``[M, channels]``, index ``[M]`` (the group of each row, sorted) -> ``[num_groups, channels]``.

    Raises:
        OptionError: If ``channels`` is odd.
        ShapeError: If ``x`` has another width, or ``index`` another length.

    Reference: our own design, after https://arxiv.org/abs/1406.1078; in place of :class:`FrameMeanPool`.

    >>> pool = RecurrentPool(4)
    >>> pool(torch.ones(3, 4), torch.tensor([0, 0, 2]), 3)[1].tolist()
    [0.0, 0.0, 0.0, 0.0]
    """

    def __init__(self, channels: Width) -> None:
        super().__init__()
        if channels % 2:
            raise OptionError(f"'channels' must be even, as each direction has half of them, got {channels}.")
        self.channels = channels
        self.gru = nn.GRU(channels, channels // 2, batch_first=True, bidirectional=True)

    @axes(x="M channels=channels", index="M <num_groups")
    def forward(self, x: FloatTensor, index: IndexTensor, num_groups: Rows) -> Tensor:
        """Pools all groups at once."""
        check_shape("x", x, "M channels", channels=self.channels)
        check_shape("index", index, "M", M=x.size(0))
        found = x.new_zeros(num_groups, self.channels)
        if not len(x):
            return found
        here, group = torch.unique_consecutive(index, return_inverse=True)
        rows, mask = to_dense_batch(x, group, batch_size=len(here))
        lengths = mask.sum(1).cpu()
        packed = pack_padded_sequence(rows, lengths, batch_first=True, enforce_sorted=False)
        _, last = self.gru(packed)
        return found.index_copy(0, here, last.transpose(0, 1).reshape(len(here), -1).to(found.dtype))
