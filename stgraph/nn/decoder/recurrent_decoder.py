"""Base class of the recurrent language models: teacher forcing, scheduled sampling, and the steps of decoding."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import torch
from torch import Tensor

from stgraph.checking import axes, check_values, checked
from stgraph.errors import OptionError
from stgraph.nn.decoder.decoding_state import DecodingState
from stgraph.nn.decoder.word_embedding import WordEmbedding
from stgraph.nn.layer import Layer
from stgraph.nn.memory import RowMemory, VideoMemory
from stgraph.typing import FloatTensor, IndexTensor, Width, check_shape

__all__ = ["RecurrentDecoder", "RecurrentOutput", "RecurrentState"]

SAMPLED_WORDS = ("sample", "argmax")

Memory = TypeVar("Memory", bound=RowMemory)
Hidden = TypeVar("Hidden", bound=RowMemory)


@checked
@dataclass(frozen=True)
class RecurrentOutput:
    """Logits of all next words of P captions, with the attention and ranking terms that losses need.

    Args:
        logits: ``[P, L, V]``.
        attention: Attention weights by name ``[P, L, ...]``, over frames ``[T]``, regions ``[T, S]`` or branches ``[2]``.
        masks: True where a place is real, by the same names ``[P, ...]``.
        ranking: Terms of the ranking loss ``[P, L, T - 1]``, or None.
        ranking_mask: Valid pairs of frames ``[P, T - 1]``, or None.
    """

    logits: FloatTensor
    attention: dict[str, Tensor]
    masks: dict[str, Tensor]
    ranking: Tensor | None = None
    ranking_mask: Tensor | None = None


@checked
@dataclass(frozen=True)
class RecurrentState(DecodingState, Generic[Memory, Hidden]):
    """State of P captions between two words; a step returns a new one and leaves the old one as it is.

    Args:
        memory: Input of the attention, one row per caption.
        video: Video of each caption ``[P]``.
        hidden: The recurrent state, one row per caption.
        length: Number of words so far.
        attention: Attention weights of the last word by name ``[P, ...]``.
        ranking: Ranking terms of the last word ``[P, T - 1]``, where there are any.
    """

    memory: Memory
    video: IndexTensor
    hidden: Hidden
    length: int = 0
    attention: dict[str, Tensor] = field(default_factory=dict)
    ranking: Tensor | None = None

    @property
    def num_captions(self) -> int:
        """Number of captions P."""
        return len(self.video)

    @axes(index="P <num_captions")
    def select(self, index: IndexTensor) -> RecurrentState[Memory, Hidden]:
        """Keeps or repeats captions by position ``[P']``: finished ones leave, beams move."""
        video = self.video[index]
        # Beams move among captions of one video, and their memory stays where it is.
        moved = video.shape != self.video.shape or not torch.equal(video, self.video)
        return RecurrentState(
            self.memory.select(index) if moved else self.memory,
            video,
            self.hidden.select(index),
            self.length,
            {name: value[index] for name, value in self.attention.items()},
            None if self.ranking is None else self.ranking[index],
        )


@checked
class RecurrentDecoder(Layer, ABC, Generic[Memory, Hidden]):
    """A language model that computes one word at a time, in training too.

    A subclass defines the memory, the state before the first word, the step from word to word, and the readout.

    Args:
        vocab_size: V, size of the vocabulary.
        word_channels: Width of a word's embedding.

    Shapes: tokens ``[P, L]``, video ``[P]`` (the video of each caption) -> :class:`RecurrentOutput`.

    Raises:
        OptionError: If ``teacher_forcing_ratio`` is outside [0, 1], or ``sampled_words`` is unknown.

    Reference: our own design; scheduled sampling: Bengio et al., NeurIPS 2015.
    """

    def __init__(self, vocab_size: Width, word_channels: Width) -> None:
        super().__init__()
        self.vocab_size = vocab_size
        self.embedding = WordEmbedding(vocab_size, word_channels)

    @abstractmethod
    def precompute(self, memory: VideoMemory) -> Memory:
        """Computes once per video what doesn't depend on the words; its captions share it."""

    @abstractmethod
    def begin(self, memory: Memory) -> Hidden:
        """Recurrent state of P captions before their first word."""

    @abstractmethod
    def advance(
        self, word: FloatTensor, state: RecurrentState[Memory, Hidden]
    ) -> tuple[Tensor, RecurrentState[Memory, Hidden]]:
        """Takes one embedded word ``[P, E]``; returns the features of the next word ``[P, R]`` and the state after."""

    @abstractmethod
    def readout(self, features: FloatTensor) -> Tensor:
        """Logits ``[..., V]`` from features ``[..., R]``."""

    @abstractmethod
    def masks(self, memory: Memory) -> dict[str, Tensor]:
        """Masks by name of the attention weights, and "ranking" where there are ranking terms."""

    @axes(tokens="P L <vocab_size")
    def embed(self, tokens: IndexTensor, start: int) -> Tensor:
        """Embeds words ``[P, L]``, the first of which is at position ``start``, as ``[P, L, E]``."""
        return self.embedding(tokens)

    def start(
        self, memory: VideoMemory, max_length: int, *, attention: bool = False
    ) -> RecurrentState[Memory, Hidden]:
        """State before the first word, one caption per video.

        It grows as needed and always reports attention weights, whatever ``max_length`` and ``attention`` are.
        """
        return self._state(memory, torch.arange(memory.num_videos, device=memory.mask.device))

    def attention_masks(self, state: RecurrentState[Memory, Hidden]) -> dict[str, Tensor]:
        """Masks by name of the attention weights of a state's captions, True where a frame or region is real."""
        return self.masks(state.memory)

    @axes(tokens="P=state.num_captions <vocab_size")
    def step(
        self, tokens: IndexTensor, state: RecurrentState[Memory, Hidden]
    ) -> tuple[Tensor, RecurrentState[Memory, Hidden]]:
        """Takes the last words ``[P]``; returns logits ``[P, V]`` and the state after, with its attention weights."""
        features, state = self.advance(self.embed(tokens[:, None], state.length)[:, 0], state)
        return self.readout(features), state

    @axes(tokens="P L <vocab_size", video="P")
    def forward(
        self,
        memory: VideoMemory,
        tokens: IndexTensor,
        video: IndexTensor,
        *,
        teacher_forcing_ratio: float = 1.0,
        sampled_words: str = "sample",
    ) -> RecurrentOutput:
        """Computes the logits of every next word: row l depends on words 0..l.

        Args:
            memory: Encoded videos.
            tokens: Given words, the begin token first.
            video: Video of each caption.
            teacher_forcing_ratio: Probability of feeding the given word, drawn for each word but the first; otherwise a
                word chosen by the model is fed.
            sampled_words: How the model chooses that word: "sample" draws it, "argmax" takes the likeliest.
        """
        check_shape("tokens", tokens, "P L")
        check_shape("video", video, "P", P=tokens.size(0))
        check_values("tokens", tokens, self.vocab_size)
        check_values("video", video, memory.num_videos)
        if not 0 <= teacher_forcing_ratio <= 1:
            raise OptionError(f"'teacher_forcing_ratio' must be in [0, 1], got {teacher_forcing_ratio}.")
        if sampled_words not in SAMPLED_WORDS:
            raise OptionError(f"'sampled_words' must be one of {SAMPLED_WORDS}, got {sampled_words!r}.")
        state = self._state(memory, video)
        states: list[RecurrentState[Memory, Hidden]] = []
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

    def _state(self, memory: VideoMemory, video: Tensor) -> RecurrentState[Memory, Hidden]:
        everyone = len(video) == memory.num_videos and torch.equal(
            video, torch.arange(len(video), device=video.device)
        )
        prepared = self.precompute(memory)
        rows = prepared if everyone else prepared.select(video)
        return RecurrentState(rows, video, self.begin(rows))

    @torch.no_grad()
    def _sample_words(self, features: Tensor, choice: str) -> Tensor:
        scores = self.readout(features)
        return scores.argmax(1) if choice == "argmax" else scores.softmax(1).multinomial(1)[:, 0]

    @staticmethod
    def after(
        state: RecurrentState[Memory, Hidden],
        hidden: Hidden,
        attention: dict[str, Tensor],
        ranking: Tensor | None = None,
    ) -> RecurrentState[Memory, Hidden]:
        """The state after one more word."""
        return replace(state, hidden=hidden, length=state.length + 1, attention=attention, ranking=ranking)
