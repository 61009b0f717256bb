"""The plainest recurrent captioner: the mean of the frames, and a GRU that reads it beside every word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from stgraph.models import RecurrentCaptioner
from stgraph.models.captioning_model import num_frames_of
from stgraph.nn import RecurrentDecoder, RecurrentState, RowMemory, VideoMemory, pad_frames

if TYPE_CHECKING:
    from torch_geometric.data import Batch

    from stgraph.graph import VideoGraph


@dataclass(frozen=True)
class Row(RowMemory):
    """One vector per video or caption, ``[P, H]``."""

    value: Tensor


class GRUDecoder(RecurrentDecoder[Row, Row]):
    """A GRU whose first state is the video's vector, which it also reads beside each word.

    Args:
        vocab_size: Number of words, special tokens included.
        frame_channels: Width of the frames.
        hidden_channels: Width of the GRU.
        word_channels: Width of a word's embedding.
        dropout: Dropout probability of frames, words and states.

    Shapes: As :class:`~stgraph.nn.RecurrentDecoder`.
    """

    def __init__(
        self, vocab_size: int, frame_channels: int, hidden_channels: int, word_channels: int, dropout: float
    ) -> None:
        super().__init__(vocab_size, word_channels)
        self.video = nn.Linear(frame_channels, hidden_channels)
        self.gru = nn.GRUCell(word_channels + hidden_channels, hidden_channels)
        self.output = nn.Linear(hidden_channels, vocab_size)
        self.dropout = nn.Dropout(dropout)

    def precompute(self, memory: VideoMemory) -> Row:
        """The vector of each video: the mean of its frames, projected."""
        frames = memory.real_frames("frames")
        mean = frames.sum(1) / memory.mask.sum(1, keepdim=True)
        return Row(self.video(self.dropout(mean)).tanh())

    def begin(self, memory: Row) -> Row:
        """The video's vector."""
        return memory

    def advance(
        self, word: Tensor, state: RecurrentState[Row, Row]
    ) -> tuple[Tensor, RecurrentState[Row, Row]]:
        """One step of the GRU."""
        read = torch.cat([self.dropout(word), state.memory.value], dim=1)
        hidden = self.gru(read, state.hidden.value)
        return self.dropout(hidden), self.after(state, Row(hidden), {})

    def readout(self, features: Tensor) -> Tensor:
        """One linear layer."""
        return self.output(features)

    def masks(self, memory: Row) -> dict[str, Tensor]:
        """No attention."""
        return {}


class GRUCaptioner(RecurrentCaptioner):
    """The mean of the frames, then words by a GRU.

    Args:
        vocab_size: Number of words, special tokens included.
        appearance_channels: Width of the frames.
        hidden_channels: Width of the GRU.
        word_channels: Width of a word's embedding.
        dropout: Dropout probability.
        max_length: Largest number of words of a generated caption.

    Shapes: As :class:`~stgraph.models.CaptioningModel`.
    """

    name = "gru"

    def __init__(
        self,
        vocab_size: int,
        *,
        appearance_channels: int,
        hidden_channels: int = 256,
        word_channels: int = 128,
        dropout: float = 0.3,
        max_length: int = 20,
    ) -> None:
        decoder = GRUDecoder(vocab_size, appearance_channels, hidden_channels, word_channels, dropout)
        super().__init__(decoder, max_length)

    def encode(self, graph: VideoGraph | Batch, branch: str | None = None) -> VideoMemory:
        """The frames of each video."""
        frames, mask = pad_frames(graph.appearance, num_frames_of(graph))
        return VideoMemory(mask, frames=frames)
