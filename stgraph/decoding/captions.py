"""Decoded captions, finished and in progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.errors import OptionError

__all__ = ["CaptionRows", "DecodedCaptions"]


@checked
@dataclass(frozen=True)
class DecodedCaptions:
    """Word ids and their log-probabilities, in the order of the videos.

    With n captions per video, row b * n + i is caption i of video b; a video with fewer captions has empty rows at the end.
    Log-probabilities are the model's own, over the whole vocabulary, whichever decoding chose the words.

    Args:
        tokens: ``[B, L]``, without the begin token, 0 after the end token.
        log_probs: ``[B, L]``, 0 where padded.
        attention: Attention weights by name, on request; row l belongs to the choice of word l, 0 where padded: over frames
            ``[B, L, T]``, over their regions ``[B, L, T, S]``, or over the "branches" of STaTS ``[B, L, 2]``.
        masks: True where a place is real, by the same names, one row per video whatever n is: ``[B, T]``, ``[B, T, S]``,
            ``[B, 2]``.
    """

    tokens: Tensor
    log_probs: Tensor
    attention: Mapping[str, Tensor] = field(default_factory=dict)
    masks: Mapping[str, Tensor] = field(default_factory=dict)

    def attention_of(self, row: int, num_frames: int) -> dict[str, Tensor]:
        """Attention weights of one caption, without the padding of the batch.

        Args:
            row: Row of the caption.
            num_frames: Number of frames of its video.

        Returns:
            Weights by name for n words, the end token included: over frames ``[n, T]``, over regions ``[n, T, S]``, S the
            largest number of regions in a frame of this video, and "branches" ``[n, 2]``.

        Raises:
            OptionError: If there is no such row.
        """
        if not 0 <= row < len(self.tokens):
            raise OptionError(f"'row' must be from 0 to {len(self.tokens) - 1}, got {row}.")
        if num_frames < 1:
            raise OptionError(f"'num_frames' must be at least 1, got {num_frames}.")
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
    """Captions in progress, which grow by a word per step.

    Shapes: tokens and log_probs ``[R, L]``, attention by name ``[R, L, ...]``, R rows of at most L words.
    """

    def __init__(self, tokens: Tensor, log_probs: Tensor, attention: Mapping[str, Tensor] | None = None):
        self.tokens, self.log_probs, self.attention = tokens, log_probs, dict(attention or {})

    @classmethod
    def empty(cls, rows: int, max_length: int, device: torch.device | str) -> CaptionRows:
        """Rows without a word."""
        tokens = torch.zeros(rows, max_length, dtype=torch.long, device=device)
        return cls(tokens, torch.zeros(rows, max_length, device=device))

    def write(self, rows: Tensor | slice, position: int, words: Tensor, log_probs: Tensor) -> None:
        """Sets the word of some rows at a position."""
        self.tokens[rows, position], self.log_probs[rows, position] = words, log_probs

    def set_attention(self, rows: Tensor, position: int, attention: Mapping[str, Tensor]) -> None:
        """Sets the attention weights of some rows at a position."""
        for name, weights in attention.items():
            self._room(name, weights)[rows, position] = weights

    def pick(self, index: Tensor) -> CaptionRows:
        """Selects rows by position."""
        attention = {name: weights[index] for name, weights in self.attention.items()}
        return CaptionRows(self.tokens[index], self.log_probs[index], attention)

    def put(self, rows: Tensor, other: CaptionRows) -> None:
        """Replaces rows by those of ``other``."""
        self.tokens[rows], self.log_probs[rows] = other.tokens, other.log_probs
        for name, weights in other.attention.items():
            self._room(name, weights[:, 0])[rows] = weights

    def done(self) -> DecodedCaptions:
        """The captions as decoded so far."""
        return DecodedCaptions(self.tokens, self.log_probs, self.attention)

    def _room(self, name: str, weights: Tensor) -> Tensor:
        if name not in self.attention:
            self.attention[name] = weights.new_zeros(*self.tokens.shape, *weights.shape[1:])
        return self.attention[name]
