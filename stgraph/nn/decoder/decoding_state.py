"""Base class of what a language model keeps between two words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from stgraph.checking import axes, checked
from stgraph.typing import IndexTensor, Width

__all__ = ["DecodingState"]


@checked
class DecodingState(ABC):
    """State of P captions between two decoding steps.

    Attributes:
        attention: Attention weights of the last step by name, each ``[P, ...]`` with the same shape at every step; None or
            empty where the language model doesn't report them.
    """

    attention: Mapping[str, Tensor] | None = None

    @property
    def num_captions(self) -> int | None:
        """P, where the state knows it."""
        return None

    @abstractmethod
    def select(self, index: IndexTensor) -> Any:
        """Keeps or repeats captions by position ``[P']``."""

    @axes(captions="A <num_captions//width", beams="A W <width")
    def select_beams(self, captions: IndexTensor, beams: IndexTensor, width: Width) -> Any:
        """Rows of the next step of beam search; a subclass may share among beams what doesn't depend on the words.

        The state holds A captions with ``width`` beams each: row a * width + b is beam b of caption a. It must not be used
        after the call, as the new state may reuse its memory.

        Args:
            captions: Captions that stay ``[A']``, ascending and without repetition.
            beams: For each of them the beams that continue ``[A', width']``; a beam may be repeated.
            width: Beams per caption in this state.
        """
        return self.select((captions[:, None] * width + beams).flatten())
