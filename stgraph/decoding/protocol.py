"""What a decoder must offer so that greedy, beam and sampling can drive it, Transformer and LSTM alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from torch import Tensor

from stgraph.errors import OptionError

__all__ = ["DecodingState", "StepDecoder", "attention_of", "move_beams"]


class DecodingState(Protocol):
    """What a decoder keeps of P captions between two words.

    Two more names are used where a state has them. ``attention`` is a mapping of what the last step looked at, by name,
    each ``[P, ...]`` of one shape for all steps. ``select_beams(captions, beams)``, with the arguments of
    :func:`move_beams`, lets a state share among the beams of a caption what is the same for them.
    """

    def select(self, index: Tensor) -> Any:
        """Keeps or repeats captions by position ``[P']``."""


State = TypeVar("State", bound=DecodingState)


class StepDecoder(Protocol[State]):
    """A language model that goes one word at a time."""

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """The last words ``[P]`` and the state before them -> scores of the next ``[P, V]`` and the state after."""


def move_beams(state: Any, captions: Tensor, beams: Tensor, width: int) -> Any:
    """Beam search's next rows: captions that stay and, for each, which of its beams go on.

    Args:
        state: Of A captions with ``width`` beams each; row a * width + b is beam b of caption a. It is used up.
        captions: Which captions stay ``[A']``, in ascending order, none twice.
        beams: Which of their own beams become the next ones ``[A', width']``; one may be taken several times.
        width: Beams a caption had so far.
    """
    if hasattr(state, "select_beams"):
        return state.select_beams(captions, beams)
    return state.select((captions[:, None] * width + beams).flatten())


def attention_of(state: Any) -> Mapping[str, Tensor]:
    """What the last step looked at.

    Raises: OptionError: The decoder does not say.
    """
    found = getattr(state, "attention", None)
    if not found:
        raise OptionError(
            "'attention' must be false for this decoder, got true; its steps do not say what they look at."
        )
    return found
