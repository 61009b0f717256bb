"""What a decoder must offer so that greedy, beam and sampling can drive it, Transformer and LSTM alike."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from torch import Tensor

__all__ = ["DecodingState", "StepDecoder"]


class DecodingState(Protocol):
    """What a decoder keeps of P captions between two words."""

    def select(self, index: Tensor) -> Any:
        """Keeps or repeats captions by position ``[P']``."""


State = TypeVar("State", bound=DecodingState)


class StepDecoder(Protocol[State]):
    """A language model that goes one word at a time."""

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """The last words ``[P]`` and the state before them -> scores of the next ``[P, V]`` and the state after."""
