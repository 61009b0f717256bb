"""Greedy decoding: the likeliest word at each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.decoding.base import Decoding, check_sizes, decode_rows
from stgraph.decoding.captions import DecodedCaptions
from stgraph.decoding.likeliest import likeliest
from stgraph.decoding.protocol import StepDecoder
from stgraph.nn.decoder.decoding_state import DecodingState
from stgraph.text.special_tokens import SpecialTokens

__all__ = ["Greedy"]


@checked
@dataclass(frozen=True)
class Greedy(Decoding):
    """Takes the likeliest word at each step until the end token or ``max_length`` words.

    Reference: Pan et al., CVPR 2020, section 4.3.
    """

    method: ClassVar[str] = "greedy"

    @property
    def captions_per_video(self) -> int:
        """One."""
        return 1

    @property
    def label(self) -> str:
        """Always "greedy"."""
        return self.method

    def to_dict(self) -> dict[str, Any]:
        """The method's name; it has no options."""
        return {"method": self.method}

    @torch.no_grad()
    def decode(
        self,
        decoder: StepDecoder[Any],
        state: DecodingState,
        num_captions: int,
        special_tokens: SpecialTokens,
        *,
        max_length: int,
        suppress_tokens: Sequence[int] = (),
        keys: Sequence[str | int] | None = None,
        attention: bool = False,
        device: torch.device | str = "cpu",
    ) -> DecodedCaptions:
        """Decodes one caption per video; see :meth:`Decoding.decode`."""
        check_sizes(state, num_captions, max_length)

        def choose(scores: Tensor, active: Tensor, position: int) -> tuple[Tensor, Tensor]:
            log_probs, words = likeliest(scores, 1)
            return words[:, 0], log_probs[:, 0]

        return decode_rows(
            decoder,
            state,
            num_captions,
            special_tokens,
            choose,
            max_length=max_length,
            suppress_tokens=suppress_tokens,
            attention=attention,
            device=device,
        )
