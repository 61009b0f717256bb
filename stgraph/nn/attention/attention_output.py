"""Output of a visual attention."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from stgraph.checking import checked

__all__ = ["AttentionOutput"]


@checked
class AttentionOutput(NamedTuple):
    """Result of a visual attention for one word of P captions.

    Args:
        vector: The attended vector ``[P, D]``.
        weights: Attention weights by name, over frames ``[P, T]`` or over regions ``[P, T, S]``.
        ranking: Terms of the ranking loss ``[P, T - 1]``, or None.
    """

    vector: Tensor
    weights: dict[str, Tensor]
    ranking: Tensor | None = None
