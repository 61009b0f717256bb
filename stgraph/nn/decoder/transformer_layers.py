"""Post-norm Transformer layers: an encoder layer over frames and a decoder layer over words."""

from __future__ import annotations

from torch import Tensor, nn

from stgraph.nn.attention import MultiHeadAttention
from stgraph.nn.layer import Layer
from stgraph.nn.linear import Linear
from stgraph.typing import FloatTensor, MaskTensor, Probability, Width

__all__ = ["DecoderLayer", "EncoderLayer"]

KeysValues = tuple[Tensor, Tensor]


class EncoderLayer(Layer):
    """Encoder layer: self-attention over frames, then a feed-forward net; normalised after each residual.

    Args:
        hidden_channels: Width d.
        num_heads: Number of attention heads.
        feedforward_channels: Inner width of the feed-forward net.
        dropout: Dropout of attention weights, residuals and the feed-forward net.

    Shapes: x ``[B, T, d]``, mask ``[B, T]`` -> ``[B, T, d]``.

    Reference: Vaswani et al., NeurIPS 2017, section 3.1.
    """

    def __init__(
        self, hidden_channels: Width, num_heads: Width, feedforward_channels: Width, dropout: Probability
    ) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(hidden_channels, num_heads, dropout)
        self.feedforward = _feedforward(hidden_channels, feedforward_channels, dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_channels) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: FloatTensor, mask: MaskTensor | None = None) -> Tensor:
        """Applies the layer."""
        x = self.norms[0](x + self.dropout(self.attention(x, self.attention.keys_values(x), mask)))
        return self.norms[1](x + self.dropout(self.feedforward(x)))


class DecoderLayer(Layer):
    """Decoder layer: self-attention over earlier words, cross attention over frames, then a feed-forward net.

    Args:
        hidden_channels: Width d.
        num_heads: Number of attention heads.
        feedforward_channels: Inner width of the feed-forward net.
        dropout: Dropout of attention weights, residuals and the feed-forward net.

    Shapes: x ``[P, L, d]``, memory as keys and values ``[B, h, T, d / h]``, memory_mask ``[B, T]`` -> ``[P, L, d]``. B is P,
        or P / k if each k captions in a row are of one video.

    Reference: Vaswani et al., NeurIPS 2017, section 3.1.
    """

    def __init__(
        self, hidden_channels: Width, num_heads: Width, feedforward_channels: Width, dropout: Probability
    ) -> None:
        super().__init__()
        self.self_attention = MultiHeadAttention(hidden_channels, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(hidden_channels, num_heads, dropout)
        self.feedforward = _feedforward(hidden_channels, feedforward_channels, dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_channels) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: FloatTensor,
        words: KeysValues,
        memory: KeysValues,
        memory_mask: Tensor | None,
        *,
        words_mask: Tensor | None = None,
        causal: bool = False,
    ) -> Tensor:
        """Applies the layer.

        Args:
            x: The present words.
            words: Keys and values of all words so far, the present ones included.
            memory: Keys and values of the frames.
            memory_mask: True where a frame is real.
            words_mask: Words that each present word attends to ``[P, L, S]``; None for all.
            causal: Whether word l attends to words 0..l; not together with ``words_mask``.
        """
        x = self._after_words(x, words, words_mask, causal)
        # The captions of a video are further queries over one memory.
        queries = x.reshape(memory[0].size(0), -1, x.size(-1))
        x = self.norms[1](x + self.dropout(self.cross_attention(queries, memory, memory_mask).view_as(x)))
        return self.norms[2](x + self.dropout(self.feedforward(x)))

    def cross_attention_weights(
        self,
        x: FloatTensor,
        words: KeysValues,
        memory: KeysValues,
        memory_mask: Tensor | None,
        *,
        words_mask: Tensor | None = None,
    ) -> Tensor:
        """Cross-attention weights that :meth:`forward` uses, averaged over the heads ``[P, L, T]``."""
        x = self._after_words(x, words, words_mask)
        return self.cross_attention.weights(x, memory[0], memory_mask).mean(1)

    def _after_words(self, x: Tensor, words: KeysValues, mask: Tensor | None, causal: bool = False) -> Tensor:
        return self.norms[0](x + self.dropout(self.self_attention(x, words, mask, causal=causal)))


def _feedforward(channels: int, inner: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(Linear(channels, inner), nn.ReLU(), nn.Dropout(dropout), Linear(inner, channels))
