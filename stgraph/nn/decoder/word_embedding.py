"""Embedding of the words of a caption."""

from __future__ import annotations

from torch import nn

from stgraph.typing import Width

__all__ = ["WordEmbedding"]


class WordEmbedding(nn.Embedding):
    r"""Embedding whose weights start with a standard deviation of :math:`1 / \sqrt{E}`.

    Args:
        vocab_size: V, size of the vocabulary.
        word_channels: E, width of a word.

    Shapes: tokens ``[...]`` -> ``[..., E]``.
    """

    def __init__(self, vocab_size: Width, word_channels: Width) -> None:
        super().__init__(vocab_size, word_channels)

    def reset_parameters(self) -> None:
        """Draws the weights again."""
        super().reset_parameters()  # overwritten, but later layers' random numbers depend on this draw
        nn.init.normal_(self.weight, std=self.embedding_dim**-0.5)
