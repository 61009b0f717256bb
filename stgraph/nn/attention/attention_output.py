"""What a visual attention hands to the language model."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

__all__ = ["AttentionOutput"]


class AttentionOutput(NamedTuple):
    """What P captions look at for one word.

    Shapes: vector ``[P, D]``; weights by name, over frames ``[P, T]`` or over regions ``[P, T, S]``; ranking
        ``[P, T - 1]``, terms of the ranking loss, or None.
    """

    vector: Tensor
    weights: dict[str, Tensor]
    ranking: Tensor | None = None
