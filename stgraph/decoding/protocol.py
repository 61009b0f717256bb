"""Interface of the language models that decoding drives, Transformer and LSTM alike."""

from __future__ import annotations

from typing import Protocol, TypeVar

from torch import Tensor

from stgraph.nn.decoder.decoding_state import DecodingState
from stgraph.typing import IndexTensor

__all__ = ["StepDecoder"]

State = TypeVar("State", bound=DecodingState)


class StepDecoder(Protocol[State]):
    """A language model that computes one word at a time."""

    def step(self, tokens: IndexTensor, state: State) -> tuple[Tensor, State]:
        """Takes the last words ``[P]`` and the state before them; returns logits ``[P, V]`` and the state after them."""
