"""What both recurrent language models share: teacher forcing, scheduled sampling, and the steps of decoding."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from stgraph.errors import OptionError
from stgraph.nn.decoder.decoding_state import DecodingState
from stgraph.nn.decoder.word_embedding import WordEmbedding
from stgraph.nn.layer import Layer
from stgraph.nn.memory import VideoMemory
from stgraph.typing import check_shape

__all__ = ["RecurrentDecoder", "RecurrentOutput", "RecurrentState"]

SAMPLED_WORDS = ("sample", "argmax")


@dataclass(frozen=True)
class RecurrentOutput:
    """Scores of all next words of P captions, and what losses need beside them.

    Shapes: logits ``[P, L, V]``; attention by name ``[P, L, ...]`` over frames ``[T]``, regions ``[T, S]`` or branches
        ``[2]``, with masks ``[P, ...]`` of what is real; ranking ``[P, L, T - 1]``, terms of the ranking loss, with
        ranking_mask ``[P, T - 1]``, or None for both.
    """

    logits: Tensor
    attention: dict[str, Tensor]
    masks: dict[str, Tensor]
    ranking: Tensor | None = None
    ranking_mask: Tensor | None = None


@dataclass(frozen=True)
class RecurrentState(DecodingState):
    """What decoding keeps of P captions between two words. A step makes a new state, so an old one can be gone on from.

    Shapes: memory by name ``[P, ...]``, what attention reads; video ``[P]``, the row of memory that a caption is about;
        hidden by name ``[P, ...]``; length is the number of words so far; attention by name ``[P, ...]``, the weights of
        the last word.
    """

    memory: dict[str, Tensor]
    video: Tensor
    hidden: dict[str, Tensor]
    length: int = 0
    attention: dict[str, Tensor] = field(default_factory=dict)
    ranking: Tensor | None = None

    def select(self, index: Tensor) -> RecurrentState:
        """Keeps or repeats captions by position ``[P']``: finished ones leave, beams move."""
        pick = lambda tensors: {name: value[index] for name, value in tensors.items()}
        video = self.video[index]
        # Beams move among captions of one video: what they read stays where it is.
        moved = video.shape != self.video.shape or not torch.equal(video, self.video)
        return RecurrentState(
            pick(self.memory) if moved else self.memory,
            video,
            pick(self.hidden),
            self.length,
            pick(self.attention),
            None if self.ranking is None else self.ranking[index],
        )


class RecurrentDecoder(Layer, ABC):
    """A language model that goes one word at a time, in training too.

    A subclass says how memory is prepared, how a caption begins, what one word does, and what it is scored by.

    Args:
        vocab_size: V, size of the vocabulary.
        word_channels: Width of a word's embedding.

    Shapes: tokens ``[P, L]``, video ``[P]`` (the row of memory that each caption is about) -> :class:`RecurrentOutput`.
    Raises: OptionError: A ``teacher_forcing_ratio`` outside [0, 1], or an unknown ``sampled_words``.
    Reference: house design; scheduled sampling: Bengio et al., NeurIPS 2015.
    """

    def __init__(self, vocab_size: int, word_channels: int) -> None:
        super().__init__()
        self.vocab_size = vocab_size
        self.embedding = WordEmbedding(vocab_size, word_channels)

    @abstractmethod
    def prepare(self, memory: VideoMemory) -> dict[str, Tensor]:
        """All of a video that no word changes ``[B, ...]``: projected once, shared by its captions and their words."""

    @abstractmethod
    def begin(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """What is kept of P captions before their first word."""

    @abstractmethod
    def advance(self, word: Tensor, state: RecurrentState) -> tuple[Tensor, RecurrentState]:
        """One embedded word ``[P, E]`` -> what the next one is scored by ``[P, R]``, and the state after."""

    @abstractmethod
    def readout(self, features: Tensor) -> Tensor:
        """``[..., R]`` -> logits ``[..., V]``."""

    @abstractmethod
    def masks(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """What is real, by name of the attention, and "ranking" where there are ranking terms."""

    def embed(self, tokens: Tensor, start: int) -> Tensor:
        """Words ``[P, L]`` of which the first is at position ``start`` -> ``[P, L, E]``."""
        return self.embedding(tokens)

    def start(self, memory: VideoMemory, max_length: int) -> RecurrentState:
        """The state before the first word, one caption a video; it grows by itself, whatever ``max_length`` is."""
        return self._state(self.prepare(memory), torch.arange(memory.num_videos, device=memory.mask.device))

    def step(self, tokens: Tensor, state: RecurrentState) -> tuple[Tensor, RecurrentState]:
        """One word further: tokens ``[P]`` -> logits ``[P, V]``; ``state.attention`` says what was looked at."""
        features, state = self.advance(self.embed(tokens[:, None], state.length)[:, 0], state)
        return self.readout(features), state

    def forward(
        self,
        memory: VideoMemory,
        tokens: Tensor,
        video: Tensor,
        *,
        teacher_forcing_ratio: float = 1.0,
        sampled_words: str = "sample",
    ) -> RecurrentOutput:
        """Scores of every next word: row l has seen words 0..l.

        Args:
            memory: Encoded videos.
            tokens: Words that are given, the begin mark first.
            video: Which video each caption is about.
            teacher_forcing_ratio: Probability, for each word but the first by itself, that the given one is fed; otherwise
                it is the model's own.
            sampled_words: "sample" draws the model's own word from its scores, "argmax" takes the likeliest one.
        """
        check_shape("tokens", tokens, "P L")
        check_shape("video", video, "P", P=tokens.size(0))
        if not 0 <= teacher_forcing_ratio <= 1:
            raise OptionError(f"'teacher_forcing_ratio' must be in [0, 1], got {teacher_forcing_ratio}.")
        if sampled_words not in SAMPLED_WORDS:
            raise OptionError(f"'sampled_words' must be one of {SAMPLED_WORDS}, got {sampled_words!r}.")
        state = self._state(self.prepare(memory), video)
        states: list[RecurrentState] = []
        features: list[Tensor] = []
        given = self.embed(tokens, 0)
        for position in range(tokens.size(1)):
            word = given[:, position]
            if position and teacher_forcing_ratio < 1:
                own = self.embed(self._sample_words(features[-1], sampled_words)[:, None], position)[:, 0]
                forced = torch.rand(len(word), 1, device=word.device) < teacher_forcing_ratio
                word = torch.where(forced, word, own)
            feature, state = self.advance(word, state)
            features.append(feature)
            states.append(state)
        real = self.masks(state.memory)
        terms = [state.ranking for state in states if state.ranking is not None]
        return RecurrentOutput(
            self.readout(torch.stack(features, 1)),
            {name: torch.stack([state.attention[name] for state in states], 1) for name in state.attention},
            {name: real[name] for name in state.attention},
            torch.stack(terms, 1) if terms else None,
            real["ranking"] if terms else None,
        )

    def _state(self, prepared: dict[str, Tensor], video: Tensor) -> RecurrentState:
        everyone = len(video) == len(next(iter(prepared.values()))) and torch.equal(
            video, torch.arange(len(video), device=video.device)
        )
        rows = prepared if everyone else {name: value[video] for name, value in prepared.items()}
        return RecurrentState(rows, video, self.begin(rows))

    @torch.no_grad()
    def _sample_words(self, features: Tensor, choice: str) -> Tensor:
        scores = self.readout(features)
        return scores.argmax(1) if choice == "argmax" else scores.softmax(1).multinomial(1)[:, 0]

    @staticmethod
    def after(
        state: RecurrentState,
        hidden: dict[str, Tensor],
        attention: dict[str, Tensor],
        ranking: Tensor | None = None,
    ) -> RecurrentState:
        """The state one word further."""
        return replace(state, hidden=hidden, length=state.length + 1, attention=attention, ranking=ranking)
