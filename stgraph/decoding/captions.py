"""Captions while they are written, and when they are done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

__all__ = ["CaptionRows", "DecodedCaptions"]


@dataclass(frozen=True)
class DecodedCaptions:
    """Word ids and their log-probabilities, in the order of the videos.

    Where n captions a video were asked for, row b * n + i is caption i of video b; a video that has fewer of them has empty
    rows behind. Log-probabilities are the model's own, over the whole vocabulary, however words were chosen.

    Shapes: tokens ``[B, L]`` without the begin mark, 0 after the end mark; log_probs ``[B, L]``, 0 where padded; attention,
        where it was asked for, by name, row l what word l was chosen by, 0 where padded: over frames ``[B, L, T]``, over
        their regions ``[B, L, T, S]``, or over the "branches" of STaTS ``[B, L, 2]``; masks by the same names, what is real
        of each video, ``[B, T]``, ``[B, T, S]`` and ``[B, 2]`` whatever n is.
    """

    tokens: Tensor
    log_probs: Tensor
    attention: Mapping[str, Tensor] = field(default_factory=dict)
    masks: Mapping[str, Tensor] = field(default_factory=dict)

    def attention_of(self, row: int, num_frames: int) -> dict[str, Tensor]:
        """What the words of one caption looked at, without what the batch padded.

        Args:
            row: Which caption.
            num_frames: How many frames its video has.

        Shapes: -> over frames ``[n, T]``, over regions ``[n, T, S]`` with as many as any frame of this video has, and
            "branches" ``[n, 2]``, for n words, the end mark among them.
        """
        found: dict[str, Tensor] = {}
        words = int((self.tokens[row] != 0).sum())
        for name, weights in self.attention.items():
            mask = self.masks[name][row * len(self.masks[name]) // len(self.tokens)]
            found[name] = weights[row, :words]
            if name != "branches":
                found[name] = found[name][:, :num_frames]
            if mask.dim() == 2:
                found[name] = found[name][..., mask.any(0)]
        return found


class CaptionRows:
    """Rows of captions that grow by a word a step: what :class:`DecodedCaptions` holds, by name.

    Shapes: tokens and log_probs ``[R, L]``, attention ``[R, L, ...]``, R rows of at most L words.
    """

    def __init__(self, tokens: Tensor, log_probs: Tensor, attention: Mapping[str, Tensor] | None = None):
        self.tokens, self.log_probs, self.attention = tokens, log_probs, dict(attention or {})

    @classmethod
    def empty(cls, rows: int, max_length: int, device: torch.device | str) -> CaptionRows:
        """Rows without a word."""
        tokens = torch.zeros(rows, max_length, dtype=torch.long, device=device)
        return cls(tokens, torch.zeros(rows, max_length, device=device))

    def write(self, rows: Tensor | slice, position: int, words: Tensor, log_probs: Tensor) -> None:
        """The word of some rows at a position."""
        self.tokens[rows, position], self.log_probs[rows, position] = words, log_probs

    def set_attention(self, rows: Tensor, position: int, attention: Mapping[str, Tensor]) -> None:
        """Attention weights by which the word at a position of some rows is chosen."""
        for name, weights in attention.items():
            self._room(name, weights)[rows, position] = weights

    def pick(self, index: Tensor) -> CaptionRows:
        """Other rows, by position."""
        attention = {name: weights[index] for name, weights in self.attention.items()}
        return CaptionRows(self.tokens[index], self.log_probs[index], attention)

    def put(self, rows: Tensor, other: CaptionRows) -> None:
        """Replaces rows by those of ``other``."""
        self.tokens[rows], self.log_probs[rows] = other.tokens, other.log_probs
        for name, weights in other.attention.items():
            self._room(name, weights[:, 0])[rows] = weights

    def done(self) -> DecodedCaptions:
        """The captions as they stand."""
        return DecodedCaptions(self.tokens, self.log_probs, self.attention)

    def _room(self, name: str, weights: Tensor) -> Tensor:
        if name not in self.attention:
            self.attention[name] = weights.new_zeros(*self.tokens.shape, *weights.shape[1:])
        return self.attention[name]
