"""The language model of a branch: a Transformer over frames and words, with a cache for decoding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from stgraph.checking import axes, check_values, checked
from stgraph.nn.decoder.positions import SinusoidalPositions
from stgraph.nn.decoder.transformer_layers import DecoderLayer, EncoderLayer
from stgraph.nn.decoder.transformer_state import TransformerState
from stgraph.nn.decoder.word_embedding import WordEmbedding
from stgraph.nn.layer import Layer
from stgraph.nn.linear import Linear
from stgraph.typing import (
    FloatTensor,
    IndexTensor,
    MaskTensor,
    OptionalWidth,
    Probability,
    Width,
    check_shape,
)

__all__ = ["CaptionTransformer", "FrameMemory"]


@checked
@dataclass(frozen=True)
class FrameMemory:
    """Encoded frames of B videos.

    Args:
        frames: ``[B, T, d]``.
        mask: ``[B, T]``, True where a frame is real.
    """

    frames: FloatTensor
    mask: MaskTensor

    @property
    def num_videos(self) -> int:
        """B."""
        return self.frames.size(0)


@checked
class CaptionTransformer(Layer):
    """Transformer from frames to logits of the next word.

    Args:
        vocab_size: V, size of the vocabulary.
        hidden_channels: Width d.
        num_heads: Number of attention heads.
        num_layers: Number of layers over frames, and of layers over words.
        feedforward_channels: Inner width of the feed-forward nets.
        dropout: Dropout of embeddings and layers.

    Shapes: frames ``[B, T, d]`` -> :class:`FrameMemory`; tokens ``[P, L]``, video ``[P]`` (the video of each caption) ->
        logits ``[P, L, V]``.

    Reference: Pan et al., CVPR 2020, section 3.4; Vaswani et al., NeurIPS 2017.
    """

    def __init__(
        self,
        vocab_size: Width,
        hidden_channels: Width = 512,
        *,
        num_heads: Width = 8,
        num_layers: OptionalWidth = 2,
        feedforward_channels: Width = 1024,
        dropout: Probability = 0.3,
    ) -> None:
        super().__init__()
        self.vocab_size, self.hidden_channels = vocab_size, hidden_channels
        sizes = (hidden_channels, num_heads, feedforward_channels, dropout)
        self.positions = SinusoidalPositions(hidden_channels)
        self.embedding = WordEmbedding(vocab_size, hidden_channels)
        self.encoder_layers = nn.ModuleList(EncoderLayer(*sizes) for _ in range(num_layers))
        self.decoder_layers = nn.ModuleList(DecoderLayer(*sizes) for _ in range(num_layers))
        self.lm_head = Linear(hidden_channels, vocab_size)
        self.dropout = nn.Dropout(dropout)

    @axes(frames="B T d=hidden_channels", mask="B T")
    def encode(self, frames: FloatTensor, mask: MaskTensor) -> FrameMemory:
        """Applies the encoder layers to the frames of each video."""
        check_shape("frames", frames, "B T d", d=self.hidden_channels)
        check_shape("mask", mask, "B T", B=frames.size(0), T=frames.size(1))
        x = self.dropout(self.positions(frames))
        for layer in self.encoder_layers:
            x = layer(x, mask)
        return FrameMemory(x, mask)

    @axes(tokens="P L <vocab_size", video="P", real="P L")
    def forward(
        self, memory: FrameMemory, tokens: IndexTensor, video: IndexTensor, real: MaskTensor | None = None
    ) -> Tensor:
        """Computes the logits of every next word at once, for training: row l depends on tokens 0..l.

        Args:
            memory: The encoded frames.
            tokens: Words of each caption, from the begin token on.
            video: Video of each caption.
            real: Next words that are wanted, such as those that are no padding; None for all.

        Returns:
            Logits ``[P, L, V]``; with ``real``, those of its M true entries alone ``[M, V]``.
        """
        check_shape("tokens", tokens, "P L")
        check_shape("video", video, "P", P=tokens.size(0))
        check_values("tokens", tokens, self.vocab_size)
        check_values("video", video, len(memory.mask))
        x = self._embed(tokens, 0)
        in_order = _in_order(video, memory.num_videos)
        mask = memory.mask if in_order else memory.mask[video]
        for layer in self._decoder_layers():
            # Frames are projected once a video and then shared by its captions.
            keys, values = layer.cross_attention.keys_values(memory.frames)
            shared = (keys, values) if in_order else (keys[video], values[video])
            x = layer(x, layer.self_attention.keys_values(x), shared, mask, causal=True)
        return self.lm_head(x if real is None else x[real])

    def start(self, memory: FrameMemory, max_length: Width, *, attention: bool = False) -> TransformerState:
        """State before the first word, one caption per video, with room for ``max_length`` tokens.

        With ``attention`` each step stores in ``state.attention["frames"]`` the cross attention of the last layer, averaged
        over its heads ``[P, T]``.
        """
        projected = [layer.cross_attention.keys_values(memory.frames) for layer in self._decoder_layers()]
        return TransformerState.start(projected, memory.mask, max_length, attention=attention)

    def attention_masks(self, state: TransformerState) -> dict[str, Tensor]:
        """Mask of the "frames", the one map of attention weights, True where a frame is real."""
        return {"frames": state.mask}

    @axes(tokens="R=state.num_rows <vocab_size")
    def step(self, tokens: IndexTensor, state: TransformerState) -> tuple[Tensor, TransformerState]:
        """Takes the last words ``[P]``; returns logits ``[P, V]`` and the state, which is updated in place."""
        # The beams of a caption are queries over one memory.
        x = self._embed(tokens[:, None], state.length).view(state.mask.size(0), -1, self.hidden_channels)
        new, seen = state.add_words(x.size(1))
        for layer, (keys, values), memory in zip(
            self._decoder_layers(), state.words, state.memory, strict=True
        ):
            keys[:, :, new], values[:, :, new] = layer.self_attention.keys_values(x)
            words = keys[:, :, : state.columns], values[:, :, : state.columns]
            if state.attention is not None and layer is self.decoder_layers[-1]:
                weights = layer.cross_attention_weights(x, words, memory, state.mask, words_mask=seen)
                state.attention = {"frames": weights.flatten(0, 1)}
            x = layer(x, words, memory, state.mask, words_mask=seen)
        return self.lm_head(x.flatten(0, 1)), state

    def _decoder_layers(self) -> list[DecoderLayer]:
        return [cast(DecoderLayer, layer) for layer in self.decoder_layers]

    def _embed(self, tokens: Tensor, start: int) -> Tensor:
        x = self.embedding(tokens) * math.sqrt(self.hidden_channels)
        return self.dropout(self.positions(x, start))


def _in_order(video: Tensor, num_videos: int) -> bool:
    """Whether the captions are those of video 0, then as many of video 1, and so on."""
    each, rest = divmod(len(video), num_videos) if num_videos else (0, 1)
    if rest or each == 0:
        return False
    return torch.equal(video, torch.arange(num_videos, device=video.device).repeat_interleave(each))
