"""State of a Transformer between two words, and how beams share it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from stgraph.checking import axes, checked
from stgraph.errors import OptionError
from stgraph.nn.decoder.decoding_state import DecodingState
from stgraph.nn.decoder.transformer_layers import KeysValues
from stgraph.typing import IndexTensor, MaskTensor, Width

__all__ = ["TransformerState"]


@checked
@dataclass
class TransformerState(DecodingState):
    """State of decoding: keys and values of the frames and of the words so far, by layer.

    The W beams of a caption are neighbouring rows, a * W + b. They share one copy of the frames and one block of words, in
    which each word written by any of them is a column; ``ancestors`` holds the columns of each beam's own words. When beams
    move, only that table changes. Without beams (W = 1) it is None: every column belongs to the caption.

    Args:
        memory: Keys and values of the frames, two tensors ``[A, h, T, d / h]`` per layer.
        mask: True where a frame is real ``[A, T]``.
        words: Keys and values of the words, two blocks ``[A, h, C, d / h]`` per layer, filled up to ``columns``.
        max_length: Largest number of words.
        length: Number of words so far.
        columns: Number of filled columns.
        ancestors: Columns of each beam's words ``[A, W, length]``.
        attention: Attention weights of the last step by name, ``[A * W, T]``; None if they are not requested.
    """

    memory: list[KeysValues]
    mask: MaskTensor
    words: list[KeysValues]
    max_length: int
    length: int = 0
    columns: int = 0
    ancestors: Tensor | None = None
    attention: dict[str, Tensor] | None = None

    @property
    def num_captions(self) -> int:
        """Number of captions A."""
        return self.mask.size(0)

    @property
    def num_rows(self) -> int:
        """Number of rows, that is captions times beams."""
        return self.mask.size(0) * (1 if self.ancestors is None else self.ancestors.size(1))

    @classmethod
    def start(
        cls, memory: list[KeysValues], mask: MaskTensor, max_length: Width, *, attention: bool = False
    ) -> TransformerState:
        """State before the first word, with room for ``max_length`` words; ``attention`` requests the weights."""
        if not memory:
            raise OptionError("'memory' must hold keys and values of at least one layer, got none.")
        keys = memory[0][0]
        shape = (keys.size(0), keys.size(1), max_length, keys.size(3))
        words = [(keys.new_empty(shape), keys.new_empty(shape)) for _ in memory]
        return cls(memory, mask, words, max_length, attention={} if attention else None)

    @axes(index="P <num_rows")
    def select(self, index: IndexTensor) -> TransformerState:
        """Keeps or repeats rows by position ``[P']``; each becomes a caption of its own, without beams."""
        if self.ancestors is None:
            return self._of_captions(index, self.max_length)
        width = self.ancestors.size(1)
        captions = index // width
        own = self.ancestors.flatten(0, 1)[index]
        # Each row's own words, gathered into a block of its own.
        room = self._of_captions(captions, self.max_length, filled=0)
        for (keys, values), (own_keys, own_values) in zip(self.words, room.words, strict=True):
            own_keys[:, :, : self.length] = keys[captions[:, None], :, own].transpose(1, 2)
            own_values[:, :, : self.length] = values[captions[:, None], :, own].transpose(1, 2)
        room.columns = self.length
        return room

    @axes(captions="A", beams="A W")
    def select_beams(self, captions: IndexTensor, beams: IndexTensor, width: int) -> TransformerState:
        """Rows of the next step of beam search; see :meth:`DecodingState.select_beams`.

        The state knows its number of beams, so ``width`` is not read. It must not be used after the call.
        """
        ancestors = self.ancestors
        if ancestors is None and beams.size(1) > 1:
            columns = torch.arange(self.columns, device=captions.device)
            ancestors = columns.expand(self.mask.size(0), 1, -1)
        state, room = self, self.columns + (self.max_length - self.length) * beams.size(1)
        if len(captions) < self.mask.size(0) or room > self.words[0][0].size(2):
            state = self._of_captions(captions, room)
        if ancestors is not None:
            index = beams[..., None].expand(-1, -1, self.length)
            state.ancestors = ancestors[captions].gather(1, index)
        return state

    def add_words(self, width: int) -> tuple[slice, Tensor | None]:
        """Reserves the next ``width`` columns; returns them, and the columns that beams attend to ``[A, W, columns]``."""
        place = slice(self.columns, self.columns + width)
        self.columns, self.length = place.stop, self.length + 1
        if self.ancestors is None:
            return place, None
        captions = self.mask.size(0)
        new = torch.arange(place.start, place.stop, device=self.mask.device).expand(captions, width)
        self.ancestors = torch.cat([self.ancestors, new[..., None]], dim=2)
        seen = torch.zeros(captions, width, self.columns, dtype=torch.bool, device=self.mask.device)
        return place, seen.scatter_(2, self.ancestors, True)

    def _of_captions(self, index: Tensor, room: int, filled: int | None = None) -> TransformerState:
        """Other captions, by position, with room for ``room`` columns, of which ``filled`` (all so far) are copied."""
        filled = self.columns if filled is None else filled

        def moved(block: Tensor) -> Tensor:
            fresh = block.new_empty(len(index), block.size(1), room, block.size(3))
            fresh[:, :, :filled] = block[:, :, :filled][index]
            return fresh

        words = [(moved(keys), moved(values)) for keys, values in self.words]
        memory = [(keys[index], values[index]) for keys, values in self.memory]
        # The last step's weights belong to other rows; the empty dictionary keeps requesting them.
        attention: dict[str, Tensor] | None = None if self.attention is None else {}
        return TransformerState(
            memory, self.mask[index], words, self.max_length, self.length, filled, attention=attention
        )
