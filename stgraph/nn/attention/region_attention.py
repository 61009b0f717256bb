"""Spatial attention over the regions of each frame."""

from __future__ import annotations

from torch import Tensor

from stgraph.checking import axes, checked
from stgraph.nn.attention.additive_attention import AdditiveAttention
from stgraph.nn.layer import Layer
from stgraph.typing import FloatTensor, MaskTensor, Width

__all__ = ["RegionAttention"]


@checked
class RegionAttention(Layer):
    r"""Sums the regions of each frame, weighted by additive attention within that frame.

    .. math:: \hat{x}_t = \sum_j e_{tj} x_{tj}, \quad e_{tj} = \operatorname{softmax}_j(\operatorname{att}(h, x_{tj}))

    Regions are padded to the frame with most regions (:func:`~stgraph.nn.pad_regions`); grids need no padding. A frame
    without regions gives zeros.

    Args:
        in_channels: Width D of the attended vectors.
        query_channels: Width H of the query.
        hidden_channels: Width A of the common space.

    Shapes: query ``[P, H]``, regions ``[P, T, S, D]``, mask ``[P, T, S]``, keys ``[P, T, S, A]`` of :meth:`precompute` ->
        frames ``[P, T, D]`` and weights ``[P, T, S]``.

    Reference: Cherian et al., WACV 2020, Eq. 3; Tu et al., ACM MM 2017.
    """

    def __init__(self, in_channels: Width, query_channels: Width, hidden_channels: Width) -> None:
        super().__init__()
        self.attention = AdditiveAttention(in_channels, query_channels, hidden_channels)

    @axes(regions="B T S D=attention.key.in_features", mask="B T S")
    def precompute(self, regions: FloatTensor, mask: MaskTensor) -> Tensor:
        """Computes once per video what doesn't depend on the words: keys ``[B, T, S, A]``."""
        return self.attention.keys(regions)

    @axes(
        query="P H=attention.query_channels",
        regions="P T S D",
        mask="P T S",
        keys="P T S A=attention.key.out_features",
    )
    def forward(
        self, query: FloatTensor, regions: FloatTensor, mask: MaskTensor, keys: FloatTensor
    ) -> tuple[Tensor, Tensor]:
        """Applies Eq. 3 to every frame; ``regions`` must hold zeros where ``mask`` is False."""
        weights = self.attention(query, keys, mask)
        return (weights.unsqueeze(-2) @ regions).squeeze(-2), weights
