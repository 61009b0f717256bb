"""Spatial attention over a grid whose cells are the same places in all frames."""

from __future__ import annotations

from torch import Tensor

from stgraph.checking import axes, checked
from stgraph.nn.attention.additive_attention import AdditiveAttention
from stgraph.nn.layer import Layer
from stgraph.nn.masking import masked_mean
from stgraph.typing import FloatTensor, MaskTensor, Width

__all__ = ["TimeAveragedAttention"]


@checked
class TimeAveragedAttention(Layer):
    r"""Attends to the cells of a fixed grid by their mean over time; all frames share the weights.

    .. math:: \hat{x}_t = \sum_j \tilde{e}_j x_{tj}, \quad
        \tilde{e}_j = \operatorname{softmax}_j\Big(\operatorname{att}\big(h, \tfrac{1}{T} \sum_t x_{tj}\big)\Big)

    The mean is over real frames. Region j must be the same place in each frame; for boxes use :class:`RegionAttention`.

    Args:
        in_channels: Width D of the attended vectors.
        query_channels: Width H of the query.
        hidden_channels: Width A of the common space.

    Shapes: query ``[P, H]``, regions ``[P, T, S, D]``, mask ``[P, T, S]``, keys ``[P, S, A]`` of :meth:`precompute` ->
        frames ``[P, T, D]`` and weights ``[P, T, S]``, zeros in padded frames.

    Reference: Cherian et al., WACV 2020, section 3.1.1.
    """

    def __init__(self, in_channels: Width, query_channels: Width, hidden_channels: Width) -> None:
        super().__init__()
        self.attention = AdditiveAttention(in_channels, query_channels, hidden_channels)

    @axes(regions="B T S D=attention.key.in_features", mask="B T S")
    def precompute(self, regions: FloatTensor, mask: MaskTensor) -> Tensor:
        """Computes the keys of the cells' means over time ``[B, S, A]``."""
        return self.attention.keys(masked_mean(regions, mask, 1))

    @axes(
        query="P H=attention.query_channels",
        regions="P T S D",
        mask="P T S",
        keys="P S A=attention.key.out_features",
    )
    def forward(
        self, query: FloatTensor, regions: FloatTensor, mask: MaskTensor, keys: FloatTensor
    ) -> tuple[Tensor, Tensor]:
        """Weighs the cells; ``regions`` must hold zeros where ``mask`` is False."""
        cells = self.attention(query, keys, mask.any(1))
        frames = (cells[:, None, None] @ regions).squeeze(-2)
        return frames, cells.unsqueeze(1) * mask
