"""What STAT and STaTS share as models: one branch, an encoder, a recurrent language model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from stgraph.decoding import DecodedCaptions, Decoding, Greedy
from stgraph.errors import OptionError
from stgraph.models.video_ids import video_ids
from stgraph.nn import RecurrentDecoder, RecurrentOutput, VideoMemory
from stgraph.text import SpecialTokens

__all__ = ["RecurrentCaptioner"]


class RecurrentCaptioner(nn.Module, ABC):
    """Videos -> memory -> words, on the interface of :class:`STGraphCaptioner`; its one branch bears the model's name.

    Args:
        decoder: The language model.
        max_length: At most so many words a caption.

    Shapes: a batch of ``VideoGraph`` of B videos; tokens ``[P, L]``, video ``[P]`` -> logits ``[P, L, V]`` by branch.
    Reference: house design.
    """

    name: ClassVar[str]

    def __init__(self, decoder: RecurrentDecoder, max_length: int) -> None:
        super().__init__()
        self.decoder, self.max_length = decoder, max_length

    @property
    @abstractmethod
    def widths(self) -> dict[str, int]:
        """Width of each stored stream, 0 where the model does not read it."""

    @abstractmethod
    def encode(self, graph: Any) -> VideoMemory:
        """What the words attend to.

        Raises: DataError: A stream that the model needs is missing.
        """

    @property
    def branches(self) -> tuple[str, ...]:
        """The one branch."""
        return (self.name,)

    def check_branch(self, branch: str) -> None:
        """Raises OptionError where the model has no such branch."""
        if branch not in self.branches:
            raise OptionError(f"'branch' must be one of {self.branches} for this model, got {branch!r}.")

    def streams(self, branch: str) -> tuple[str, ...]:
        """The stored streams that are read."""
        self.check_branch(branch)
        return tuple(stream for stream, width in self.widths.items() if width)

    def teacher_forced(
        self,
        graph: Any,
        tokens: Tensor,
        video: Tensor,
        *,
        teacher_forcing_ratio: float = 1.0,
        sampled_words: str = "sample",
    ) -> RecurrentOutput:
        """Scores of all next words with the attention and ranking terms that losses need; see RecurrentDecoder."""
        return self.decoder(
            self.encode(graph),
            tokens,
            video,
            teacher_forcing_ratio=teacher_forcing_ratio,
            sampled_words=sampled_words,
        )

    def forward(self, graph: Any, tokens: Tensor, video: Tensor) -> dict[str, Tensor]:
        """Scores of all next words; each video is encoded once, whatever its number of captions."""
        return {self.name: self.teacher_forced(graph, tokens, video).logits}

    @torch.no_grad()
    def generate(
        self,
        graph: Any,
        special_tokens: SpecialTokens,
        branch: str | None = None,
        *,
        decoding: Decoding | None = None,
        attention: bool = False,
    ) -> DecodedCaptions:
        """Generates captions of a batch.

        Args:
            graph: Videos; where they have ids, samples are drawn by them.
            special_tokens: Ids of begin and end, and of what is never generated.
            branch: The model's name, or None.
            decoding: How words are chosen; defaults to :class:`~stgraph.decoding.Greedy`.
            attention: Whether to return the attention weights of each word, by the names of :class:`STATDecoder` or
                :class:`STaTSDecoder`.

        Raises:
            OptionError: If the model has no such branch.
        """
        if branch is not None:
            self.check_branch(branch)
        memory = self.encode(graph)
        state = self.decoder.start(memory, self.max_length)
        found = (decoding or Greedy()).decode(
            self.decoder,
            state,
            memory.num_videos,
            special_tokens,
            max_length=self.max_length,
            keys=video_ids(graph),
            attention=attention,
            device=memory.mask.device,
        )
        if not attention:
            return found
        masks = self.decoder.masks(state.memory)
        return replace(found, masks={name: masks[name] for name in found.attention})

    @staticmethod
    def num_frames(graph: Any) -> Tensor:
        """T of each video ``[B]``."""
        return torch.as_tensor(graph.num_frames, device=graph.x.device).reshape(-1)
