"""Scaled dot-product attention with several heads and reusable keys and values."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from stgraph.checking import axes, checked
from stgraph.errors import OptionError
from stgraph.nn.layer import Layer, uninitialized_linear
from stgraph.nn.masking import masked_softmax
from stgraph.typing import FloatTensor, MaskTensor, Probability, Width, check_shape

__all__ = ["MultiHeadAttention"]


@checked
class MultiHeadAttention(Layer):
    r"""Multi-head attention whose keys and values are computed separately from the queries.

    .. math:: \mathrm{softmax}(Q K^T / \sqrt{d / h}) V

    A decoder computes keys and values once per video (cross attention) or once per word (its cache), see
    :meth:`keys_values`. Masks are True where data is real.

    Args:
        hidden_channels: d.
        num_heads: h; must divide ``hidden_channels``.
        dropout: Dropout of the attention weights.

    Shapes: query ``[B, L, d]``, keys and values ``[B, h, S, d / h]`` each, mask ``[B, S]`` or, where each query has its own,
        ``[B, L, S]`` -> ``[B, L, d]``.

    Raises:
        OptionError: If ``hidden_channels`` is not a multiple of ``num_heads``, or both a mask and ``causal`` are given.
        ShapeError: If a tensor has other axes.

    Reference: Vaswani et al., NeurIPS 2017, section 3.2.
    """

    def __init__(self, hidden_channels: Width, num_heads: Width, dropout: Probability = 0.0) -> None:
        super().__init__()
        if num_heads < 1 or hidden_channels % num_heads:
            raise OptionError(
                f"'hidden_channels' must be a multiple of 'num_heads', got {hidden_channels} and {num_heads}."
            )
        self.num_heads, self.dropout = num_heads, dropout
        self.query = uninitialized_linear(hidden_channels, hidden_channels)
        self.key_value = uninitialized_linear(hidden_channels, 2 * hidden_channels)
        self.out = uninitialized_linear(hidden_channels, hidden_channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws the weights again, by Glorot's rule; biases become zeros."""
        super().reset_parameters()
        for linear in (self.query, self.key_value, self.out):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    @axes(memory="B T d=query.in_features")
    def keys_values(self, memory: FloatTensor) -> tuple[Tensor, Tensor]:
        """Computes keys and values ``[B, h, S, d / h]`` of ``memory`` ``[B, S, d]``."""
        keys, values = self.key_value(memory).chunk(2, dim=-1)
        return self._split(keys), self._split(values)

    @axes(query="B L d=query.in_features", keys_values="B h=num_heads S e=head_channels")
    def forward(
        self,
        query: FloatTensor,
        keys_values: tuple[FloatTensor, FloatTensor],
        mask: MaskTensor | None = None,
        *,
        causal: bool = False,
    ) -> Tensor:
        """Attends to real keys; ``causal`` (without a mask) restricts query l to keys 0..l."""
        if causal and mask is not None:
            raise OptionError(
                "'causal' must be False where there is a 'mask', got True; put both into the mask."
            )
        if mask is not None:
            self._check_mask(mask, query, keys_values[0])
        keys, values = keys_values
        mixed = scaled_dot_product_attention(
            self._split(self.query(query)),
            keys,
            values,
            attn_mask=None if mask is None else (mask[:, None, None] if mask.dim() == 2 else mask[:, None]),
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=causal,
        )
        return self.out(mixed.transpose(1, 2).flatten(2))

    @axes(query="B L d=query.in_features", keys="B h=num_heads S e=head_channels", mask="B S")
    def weights(self, query: FloatTensor, keys: FloatTensor, mask: MaskTensor | None = None) -> Tensor:
        """Computes the attention weights of every head ``[B, h, L, S]``; a mask is ``[B, S]``."""
        scores = self._split(self.query(query)) @ keys.transpose(-1, -2) / keys.size(-1) ** 0.5
        return masked_softmax(scores, None if mask is None else mask[:, None, None].expand_as(scores))

    @property
    def head_channels(self) -> int:
        """Width of the query of a head."""
        return self.query.out_features // self.num_heads

    @staticmethod
    def _check_mask(mask: Tensor, query: Tensor, keys: Tensor) -> None:
        wanted = (query.size(0), keys.size(2)) if mask.dim() == 2 else (*query.shape[:2], keys.size(2))
        if mask.shape != wanted:
            check_shape("mask", mask, " ".join(map(str, wanted)))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
