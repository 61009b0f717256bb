"""Temporal pools: one vector from spatially attended frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stgraph.checking import axes, checked
from stgraph.nn.attention.ranked_attention import RankedAttention, ranking_terms
from stgraph.nn.layer import Layer
from stgraph.nn.linear import Linear
from stgraph.nn.masking import masked_mean
from stgraph.typing import FloatTensor, MaskTensor, Width

__all__ = ["LSTMPool", "MeanPool", "RankedPool", "WithMean"]


@checked
class MeanPool(nn.Module):
    """Mean of the real frames ("Mean Pool" in Table 2).

    Shapes: frames ``[P, T, D]``, mask ``[P, T]`` -> ``[P, D]``, and None for the ranking terms.

    Reference: Cherian et al., WACV 2020, Table 2.
    """

    @axes(frames="P T D", mask="P T")
    def forward(self, frames: FloatTensor, mask: MaskTensor) -> tuple[Tensor, Tensor | None]:
        """Pools the frames of each caption."""
        return masked_mean(frames, mask, 1), None


@checked
class LSTMPool(Layer):
    """Last hidden state of an LSTM over the real frames, without a ranking loss ("LSTM" in Table 2).

    Args:
        channels: Width of a frame and of the output.

    Shapes: frames ``[P, T, D]``, mask ``[P, T]`` -> ``[P, D]``, and None for the ranking terms.

    Reference: Cherian et al., WACV 2020, Table 2.
    """

    def __init__(self, channels: Width) -> None:
        super().__init__()
        self.read = RankedAttention(channels)

    @axes(frames="P T D=read.channels", mask="P T")
    def forward(self, frames: FloatTensor, mask: MaskTensor) -> tuple[Tensor, Tensor | None]:
        """Pools the frames of each caption."""
        return self.read(frames, mask), None


@checked
class RankedPool(Layer):
    """Ranked attention: the state of :class:`LSTMPool` with the terms of the ranking loss ("Ranked Att" in Table 2).

    Args:
        channels: Width of a frame and of the output.
        margin: Margin by which a frame should score above its predecessor.
        detach: Whether the ranking terms leave the frames as they are; see :func:`ranking_terms`.

    Shapes: frames ``[P, T, D]``, mask ``[P, T]`` -> ``[P, D]`` and :func:`ranking_terms` ``[P, T - 1]``.

    Reference: Cherian et al., WACV 2020, Eq. 6-8.
    """

    def __init__(self, channels: Width, margin: float = 1.0, *, detach: bool = True) -> None:
        super().__init__()
        self.read, self.margin, self.detach = RankedAttention(channels), margin, detach

    @axes(frames="P T D=read.channels", mask="P T")
    def forward(self, frames: FloatTensor, mask: MaskTensor) -> tuple[Tensor, Tensor | None]:
        """Pools the frames of each caption."""
        ranked = self.read(frames, mask)
        return ranked, ranking_terms(ranked, frames, self.margin, detach=self.detach)


@checked
class WithMean(Layer):
    r"""Learned projection of the mean frame and the vector of another pool ("Mean + ..." in Table 2).

    .. math:: \hat{x}_{ST} = W [\tfrac{1}{T} \sum_t \hat{x}_t ; w] + b

    Args:
        channels: Width of a frame and of the output.
        pool: Computes w; its ranking terms, if any, are passed on.

    Shapes: frames ``[P, T, D]``, mask ``[P, T]`` -> ``[P, D]`` and the other pool's terms.

    Reference: Cherian et al., WACV 2020, Table 2 and section 4.2; the projection: our own design.
    """

    def __init__(self, channels: Width, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool
        self.join = Linear(2 * channels, channels)

    @axes(frames="P T D=join.out_features", mask="P T")
    def forward(self, frames: FloatTensor, mask: MaskTensor) -> tuple[Tensor, Tensor | None]:
        """Pools the frames of each caption."""
        vector, terms = self.pool(frames, mask)
        return self.join(torch.cat([masked_mean(frames, mask, 1), vector], dim=-1)), terms
