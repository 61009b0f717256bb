"""Attention pool: one vector per frame, a weighted sum of its objects."""

from __future__ import annotations

from torch import Tensor, nn
from torch_geometric.utils import softmax

from stgraph.checking import axes, checked
from stgraph.nn.layer import Layer, uninitialized_linear
from stgraph.typing import FloatTensor, IndexTensor, Rows, Width, check_shape

__all__ = ["FrameAttentionPool"]


@checked
class FrameAttentionPool(Layer):
    r"""Sums the nodes of each frame with attention weights; a frame without nodes is a zero row.

    .. math:: f_t = \sum_{i \in t} a_i h_i, \quad a_i = \operatorname{softmax}_{i \in t}(u \cdot \tanh(W h_i + b))

    u starts at zero, so that training starts from the mean.

    Args:
        channels: Width of a node, and of W.

    Shapes: x ``[N, channels]``, frame ``[N]`` (numbered through the batch) -> ``[num_frames, channels]``.

    Raises:
        ShapeError: If ``x`` has another width, or ``frame`` another length.

    Reference: our own design, after https://arxiv.org/abs/1409.0473; in place of :class:`FrameMeanPool`.

    >>> import torch
    >>> FrameAttentionPool(1)(torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([0, 0, 2]), 3)[:, 0].tolist()
    [2.0, 0.0, 5.0]
    """

    def __init__(self, channels: Width) -> None:
        super().__init__()
        self.channels = channels
        self.hidden = uninitialized_linear(channels, channels)
        self.score = uninitialized_linear(channels, 1, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws W and b again and sets u to zeros."""
        super().reset_parameters()
        nn.init.zeros_(self.score.weight)

    @axes(x="N channels=channels", frame="N <num_frames")
    def forward(self, x: FloatTensor, frame: IndexTensor, num_frames: Rows) -> Tensor:
        """Pools all frames of a batch at once."""
        weighed = self.weights(x, frame, num_frames) * x
        return x.new_zeros(num_frames, x.size(1)).index_add(0, frame, weighed)

    @axes(x="N channels=channels", frame="N <num_frames")
    def weights(self, x: FloatTensor, frame: IndexTensor, num_frames: Rows) -> Tensor:
        """Computes the weight of each node ``[N, 1]``; those of a frame sum to 1."""
        check_shape("x", x, "N channels", channels=self.channels)
        check_shape("frame", frame, "N", N=x.size(0))
        score = self.score(self.hidden(x).tanh()).to(x.dtype)
        return softmax(score, frame, num_nodes=num_frames)
