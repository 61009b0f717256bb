"""The language model of one branch: a Transformer over frames and one over words, with a cache for decoding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from stgraph.nn.decoder.positions import SinusoidalPositions
from stgraph.nn.decoder.transformer_layers import FrameLayer, WordLayer
from stgraph.nn.decoder.transformer_state import TransformerState
from stgraph.typing import check_shape

__all__ = ["FrameMemory", "TransformerDecoder", "pad_frames"]


@dataclass(frozen=True)
class FrameMemory:
    """Encoded frames of B videos. Shapes: frames ``[B, T, d]``, mask ``[B, T]`` (True where a frame is real)."""

    frames: Tensor
    mask: Tensor


class TransformerDecoder(nn.Module):
    """Frames ``[B, T, d]`` -> memory; memory and earlier words -> scores of the next word.

    Args:
        num_words: V, size of the vocabulary.
        hidden_channels, num_heads, feedforward_channels, dropout: As usual in Transformers.
        num_layers: Layers over frames, and as many over words.

    Shapes: tokens ``[P, L]``, video ``[P]`` (the row of memory that each caption is about) -> logits ``[P, L, V]``.
    Reference: Pan et al., CVPR 2020, section 3.4; Vaswani et al., NeurIPS 2017.
    """

    def __init__(
        self,
        num_words: int,
        hidden_channels: int = 512,
        *,
        num_heads: int = 8,
        num_layers: int = 2,
        feedforward_channels: int = 1024,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.num_words, self.hidden_channels = num_words, hidden_channels
        sizes = (hidden_channels, num_heads, feedforward_channels, dropout)
        self.positions = SinusoidalPositions(hidden_channels)
        self.embedding = nn.Embedding(num_words, hidden_channels)
        nn.init.normal_(self.embedding.weight, std=hidden_channels**-0.5)
        self.frame_layers = nn.ModuleList(FrameLayer(*sizes) for _ in range(num_layers))
        self.word_layers = nn.ModuleList(WordLayer(*sizes) for _ in range(num_layers))
        self.classifier = nn.Linear(hidden_channels, num_words)
        self.dropout = nn.Dropout(dropout)

    def encode(self, frames: Tensor, mask: Tensor) -> FrameMemory:
        """Lets the frames of each video attend to each other."""
        check_shape("frames", frames, "B T d", d=self.hidden_channels)
        check_shape("mask", mask, "B T", B=frames.size(0), T=frames.size(1))
        x = self.dropout(self.positions(frames))
        for layer in self.frame_layers:
            x = layer(x, mask)
        return FrameMemory(x, mask)

    def forward(self, memory: FrameMemory, tokens: Tensor, video: Tensor) -> Tensor:
        """Scores of every next word at once, for training: row l has seen tokens 0..l."""
        check_shape("tokens", tokens, "P L")
        check_shape("video", video, "P", P=tokens.size(0))
        x = self._embed(tokens, 0)
        mask = memory.mask[video]
        for layer in self._word_layers():
            # Frames are projected once a video and then shared by its captions.
            keys, values = layer.frames.keys_values(memory.frames)
            x = layer(x, layer.words.keys_values(x), (keys[video], values[video]), mask, causal=True)
        return self.classifier(x)

    def start(self, memory: FrameMemory, max_words: int, *, attention: bool = False) -> TransformerState:
        """The state before the first word, one caption a video, with room for ``max_words`` tokens.

        With ``attention`` each step leaves in ``state.attention["frames"]`` how much it looked at each frame: the last
        layer's cross attention, a mean over its heads ``[P, T]``.
        """
        projected = [layer.frames.keys_values(memory.frames) for layer in self._word_layers()]
        return TransformerState.start(projected, memory.mask, max_words, attention=attention)

    def step(self, tokens: Tensor, state: TransformerState) -> tuple[Tensor, TransformerState]:
        """One word further: tokens ``[P]`` -> logits ``[P, V]``; the state is filled in place and returned."""
        # The beams of a caption are queries over one memory.
        x = self._embed(tokens[:, None], state.length).view(state.mask.size(0), -1, self.hidden_channels)
        new, seen = state.add_words(x.size(1))
        for layer, (keys, values), memory in zip(self._word_layers(), state.words, state.memory, strict=True):
            keys[:, :, new], values[:, :, new] = layer.words.keys_values(x)
            words = keys[:, :, : state.columns], values[:, :, : state.columns]
            if state.attention is not None and layer is self.word_layers[-1]:
                weights = layer.frame_weights(x, words, memory, state.mask, words_mask=seen)
                state.attention = {"frames": weights.flatten(0, 1)}
            x = layer(x, words, memory, state.mask, words_mask=seen)
        return self.classifier(x.flatten(0, 1)), state

    def _word_layers(self) -> list[WordLayer]:
        return [cast(WordLayer, layer) for layer in self.word_layers]

    def _embed(self, tokens: Tensor, start: int) -> Tensor:
        x = self.embedding(tokens) * math.sqrt(self.hidden_channels)
        return self.dropout(self.positions(x, start))


def pad_frames(rows: Tensor, num_frames: Tensor) -> tuple[Tensor, Tensor]:
    """Frames one below the other ``[sum T, d]`` -> ``[B, T_max, d]`` and a mask ``[B, T_max]``, True where real."""
    longest = int(num_frames.max())
    mask = torch.arange(longest, device=rows.device) < num_frames[:, None]
    if rows.size(0) == mask.numel():
        return rows.view(-1, longest, rows.size(1)), mask
    padded = rows.new_zeros(*mask.shape, rows.size(1))
    padded[mask] = rows
    return padded, mask
