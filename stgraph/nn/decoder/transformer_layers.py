"""One post-norm Transformer layer over frames and one over words."""

from __future__ import annotations

from torch import Tensor, nn

from stgraph.nn.attention import MultiHeadAttention
from stgraph.nn.layer import Layer

__all__ = ["DecoderLayer", "EncoderLayer"]

KeysValues = tuple[Tensor, Tensor]


class EncoderLayer(Layer):
    """Encoder layer: frames attend to each other, then a feed-forward net; normalised after each residual.

    Shapes: x ``[B, T, d]``, mask ``[B, T]`` -> ``[B, T, d]``. Reference: Vaswani et al., NeurIPS 2017, section 3.1.
    """

    def __init__(
        self, hidden_channels: int, num_heads: int, feedforward_channels: int, dropout: float
    ) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(hidden_channels, num_heads, dropout)
        self.feedforward = _feedforward(hidden_channels, feedforward_channels, dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_channels) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """One layer."""
        x = self.norms[0](x + self.dropout(self.attention(x, self.attention.keys_values(x), mask)))
        return self.norms[1](x + self.dropout(self.feedforward(x)))


class DecoderLayer(Layer):
    """Decoder layer: words attend to earlier words, then to frames, then a feed-forward net.

    Shapes: x ``[P, L, d]``, memory as keys and values ``[P, h, T, d / h]``, memory_mask ``[P, T]`` -> ``[P, L, d]``.
    Reference: Vaswani et al., NeurIPS 2017, section 3.1.
    """

    def __init__(
        self, hidden_channels: int, num_heads: int, feedforward_channels: int, dropout: float
    ) -> None:
        super().__init__()
        self.self_attention = MultiHeadAttention(hidden_channels, num_heads, dropout)
        self.cross_attention = MultiHeadAttention(hidden_channels, num_heads, dropout)
        self.feedforward = _feedforward(hidden_channels, feedforward_channels, dropout)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_channels) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        x: Tensor,
        words: KeysValues,
        memory: KeysValues,
        memory_mask: Tensor | None,
        *,
        words_mask: Tensor | None = None,
        causal: bool = False,
    ) -> Tensor:
        """One layer; ``words`` are keys and values of words, the present ones included.

        Which of them may be seen is said by ``causal``, by ``words_mask`` ``[P, L, S]``, or, with neither, all are.
        """
        x = self._after_words(x, words, words_mask, causal)
        x = self.norms[1](x + self.dropout(self.cross_attention(x, memory, memory_mask)))
        return self.norms[2](x + self.dropout(self.feedforward(x)))

    def cross_attention_weights(
        self,
        x: Tensor,
        words: KeysValues,
        memory: KeysValues,
        memory_mask: Tensor | None,
        *,
        words_mask: Tensor | None = None,
    ) -> Tensor:
        """What :meth:`forward` looks at among the frames, a mean over heads ``[P, L, T]``."""
        x = self._after_words(x, words, words_mask)
        return self.cross_attention.weights(x, memory[0], memory_mask).mean(1)

    def _after_words(self, x: Tensor, words: KeysValues, mask: Tensor | None, causal: bool = False) -> Tensor:
        return self.norms[0](x + self.dropout(self.self_attention(x, words, mask, causal=causal)))


def _feedforward(channels: int, inner: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(channels, inner), nn.ReLU(), nn.Dropout(dropout), nn.Linear(inner, channels)
    )
