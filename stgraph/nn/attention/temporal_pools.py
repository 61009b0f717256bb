"""What makes one vector of spatially attended frames: mean, LSTM, ranked attention, and either one with the mean."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stgraph.nn.attention.ranked_attention import RankedAttention, ranking_terms
from stgraph.nn.layer import Layer
from stgraph.nn.masking import masked_mean

__all__ = ["LSTMPool", "MeanPool", "RankedPool", "WithMean"]


class MeanPool(nn.Module):
    """Table 2's "Mean Pool": the mean of the real frames.

    Shapes: frames ``[P, T, D]``, mask ``[P, T]`` -> ``[P, D]``, and None in place of ranking terms.
    Reference: Cherian et al., WACV 2020, Table 2.
    """

    def forward(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """Pools."""
        return masked_mean(frames, mask, 1), None


class LSTMPool(Layer):
    """Table 2's "LSTM": the last hidden state over the real frames, not told to order them.

    Args:
        channels: Width of a frame and of the answer.

    Shapes: frames ``[P, T, D]``, mask ``[P, T]`` -> ``[P, D]``, and None in place of ranking terms.
    Reference: Cherian et al., WACV 2020, Table 2.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.read = RankedAttention(channels)

    def forward(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """Pools."""
        return self.read(frames, mask), None


class RankedPool(Layer):
    """Table 2's "Ranked Att": the same state with the terms of the ranking loss.

    Args:
        channels: Width of a frame and of the answer.
        margin: By how much a frame should be ahead of the one before it.

    Shapes: frames ``[P, T, D]``, mask ``[P, T]`` -> ``[P, D]`` and :func:`ranking_terms` ``[P, T - 1]``.
    Reference: Cherian et al., WACV 2020, Eq. 6-8.
    """

    def __init__(self, channels: int, margin: float = 1.0) -> None:
        super().__init__()
        self.read, self.margin = RankedAttention(channels), margin

    def forward(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """Pools."""
        ranked = self.read(frames, mask)
        return ranked, ranking_terms(ranked, frames, self.margin)


class WithMean(Layer):
    r"""Table 2's "Mean + ...": a learned projection of the mean and another pool's vector.

    .. math:: \hat{x}_{ST} = W [\tfrac{1}{T} \sum_t \hat{x}_t ; w] + b

    Args:
        channels: Width of a frame and of the answer.
        pool: Makes w; its ranking terms, if any, are handed on.

    Shapes: frames ``[P, T, D]``, mask ``[P, T]`` -> ``[P, D]`` and the other pool's terms.
    Reference: Cherian et al., WACV 2020, Table 2 and section 4.2; the projection: house design.
    """

    def __init__(self, channels: int, pool: nn.Module) -> None:
        super().__init__()
        self.pool = pool
        self.join = nn.Linear(2 * channels, channels)

    def forward(self, frames: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """Pools."""
        vector, terms = self.pool(frames, mask)
        return self.join(torch.cat([masked_mean(frames, mask, 1), vector], dim=-1)), terms
