"""Scaled dot-product attention with several heads, whose keys and values can be made once and kept."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from stgraph.errors import OptionError
from stgraph.nn.layer import Layer, uninitialized_linear
from stgraph.nn.masking import masked_softmax

__all__ = ["MultiHeadAttention"]


class MultiHeadAttention(Layer):
    r"""Attention of every query over its keys, in ``num_heads`` parts of the channels.

    .. math:: \mathrm{softmax}(Q K^T / \sqrt{d / h}) V

    Keys and values are made by :meth:`keys_values` apart from the queries, so that a decoder computes them once a
    video (cross attention) or once a word (its cache). Masks are True where data is real.

    Shapes: query ``[B, L, d]``, keys and values ``[B, h, S, d / h]`` each, mask ``[B, S]`` or, where each query has its own,
        ``[B, L, S]`` -> ``[B, L, d]``.
    Raises: OptionError: ``hidden_channels`` is no multiple of ``num_heads``.
    Reference: Vaswani et al., NeurIPS 2017, section 3.2.
    """

    def __init__(self, hidden_channels: int, num_heads: int, dropout: float = 0.0) -> None:
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

    def keys_values(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values ``[B, h, S, d / h]`` of ``memory`` [B, S, d]."""
        keys, values = self.key_value(memory).chunk(2, dim=-1)
        return self._split(keys), self._split(values)

    def forward(
        self,
        query: Tensor,
        keys_values: tuple[Tensor, Tensor],
        mask: Tensor | None = None,
        *,
        causal: bool = False,
    ) -> Tensor:
        """Attends to real keys; ``causal`` (without a mask) lets query l see keys 0..l."""
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

    def weights(self, query: Tensor, keys: Tensor, mask: Tensor | None = None) -> Tensor:
        """What :meth:`forward` weighs values by, of every head ``[B, h, L, S]``; a mask is ``[B, S]``."""
        scores = self._split(self.query(query)) @ keys.transpose(-1, -2) / keys.size(-1) ** 0.5
        return masked_softmax(scores, None if mask is None else mask[:, None, None].expand_as(scores))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
