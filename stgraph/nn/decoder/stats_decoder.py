"""The language model of STaTS."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stgraph.checking import axes, checked
from stgraph.errors import DataError
from stgraph.nn.attention import MultiHeadAttention, STaTSAttention, STaTSAttentionMemory
from stgraph.nn.decoder.recurrent_decoder import RecurrentDecoder, RecurrentState
from stgraph.nn.linear import Linear
from stgraph.nn.memory import RowMemory, VideoMemory
from stgraph.typing import FloatTensor, MaskTensor, OptionalWidth, Probability, Width

__all__ = ["STaTSDecoder", "STaTSMemory", "STaTSState"]


@checked
@dataclass(frozen=True)
class STaTSMemory(RowMemory):
    """Regions of B videos, the memory of the attention over them, and the categories.

    Shapes: regions ``[B, T, S, D]``, mask ``[B, T, S]``, category ``[B, C]``.
    """

    regions: FloatTensor
    mask: MaskTensor
    attention: STaTSAttentionMemory
    category: FloatTensor | None = None


@checked
@dataclass(frozen=True)
class STaTSState(RowMemory):
    """State of the LSTM, and keys and values of the words so far.

    Shapes: hidden and cell ``[P, H]``, keys and values ``[P, 1, L, E]``.
    """

    hidden: FloatTensor
    cell: FloatTensor
    keys: FloatTensor
    values: FloatTensor


@checked
class STaTSDecoder(RecurrentDecoder[STaTSMemory, STaTSState]):
    r"""LSTM over words and the output of STaTS's attention, which is queried with the language state before each word.

    .. math:: s_l = \operatorname{SelfAttention}(e_1, \dots, e_l)_l, \quad \hat{x}_l = \operatorname{STaTS}([h_{l-1} ; s_l]),
        \quad h_l = \operatorname{LSTM}(h_{l-1}, [e_l ; \hat{x}_l ; k]), \quad p = \operatorname{softmax}(W\, d(h_l) + b)

    :math:`e_l` is the previous word (first the begin token), k the video's category, if there are any. The LSTM starts from
    zeros. If a memory has no regions, each frame is its only region.

    Args:
        vocab_size: V, size of the vocabulary.
        attention: Its query has width ``hidden_channels + word_channels``.
        in_channels: Width of a region.
        word_channels: Width of a word.
        hidden_channels: Width of the LSTM.
        category_channels: Width of k; 0 for no categories.
        dropout: d.

    Shapes: As :class:`RecurrentDecoder`; attention weights are those of the attention's branches ("st_regions",
        "ts_frames", "ts_regions", "branches" in the full model).

    Raises:
        DataError: If there are neither regions nor frames, or a category is given and not expected or the reverse.

    Reference: Cherian et al., WACV 2020, sections 3 and 4.1.
    """

    def __init__(
        self,
        vocab_size: Width,
        attention: STaTSAttention,
        in_channels: Width = 512,
        *,
        word_channels: Width = 256,
        hidden_channels: Width = 512,
        category_channels: OptionalWidth = 0,
        dropout: Probability = 0.0,
    ) -> None:
        super().__init__(vocab_size, word_channels)
        self.hidden_channels, self.category_channels = hidden_channels, category_channels
        self.attention = attention
        self.self_attention = MultiHeadAttention(word_channels, num_heads=1)
        self.cell = nn.LSTMCell(word_channels + in_channels + category_channels, hidden_channels)
        self.lm_head = Linear(hidden_channels, vocab_size)
        self.dropout = nn.Dropout(dropout)

    def precompute(self, memory: VideoMemory) -> STaTSMemory:
        """Regions with their keys, and the category."""
        regions, mask = memory.regions_or_frames()
        if (memory.category is not None) != bool(self.category_channels):
            raise DataError(
                f"'category' must be {'given' if self.category_channels else 'None'} for this model, got "
                f"{'None' if memory.category is None else list(memory.category.shape)}."
            )
        return STaTSMemory(regions, mask, self.attention.precompute(regions, mask), memory.category)

    def begin(self, memory: STaTSMemory) -> STaTSState:
        """Zeros, and no words yet."""
        regions = memory.regions
        zeros = regions.new_zeros(len(regions), self.hidden_channels)
        none = regions.new_zeros(len(regions), 1, 0, self.embedding.embedding_dim)
        return STaTSState(zeros, zeros, none, none)

    @axes(word="P=state.num_captions E=embedding.embedding_dim")
    def advance(
        self, word: FloatTensor, state: RecurrentState[STaTSMemory, STaTSState]
    ) -> tuple[Tensor, RecurrentState[STaTSMemory, STaTSState]]:
        """Self-attention over the words so far, visual attention, then the LSTM."""
        held, memory = state.hidden, state.memory
        newest = word.unsqueeze(1)
        new_keys, new_values = self.self_attention.keys_values(newest)
        keys, values = torch.cat([held.keys, new_keys], 2), torch.cat([held.values, new_values], 2)
        said = self.self_attention(newest, (keys, values))[:, 0]
        seen = self.attention(
            torch.cat([held.hidden, said], -1), memory.regions, memory.mask, memory.attention
        )
        category = [] if memory.category is None else [memory.category]
        parts = torch.cat([word, seen.vector, *category], dim=-1)
        hidden, cell = self.cell(parts, (held.hidden, held.cell))
        kept = STaTSState(hidden, cell, keys, values)
        return hidden, self.after(state, kept, seen.weights, seen.ranking)

    @axes(features="... R=hidden_channels")
    def readout(self, features: FloatTensor) -> Tensor:
        """Logits ``[..., V]`` from features."""
        return self.lm_head(self.dropout(features))

    def masks(self, memory: STaTSMemory) -> dict[str, Tensor]:
        """Masks of regions, frames and pairs of frames; both branches are always valid."""
        regions = memory.mask
        frames = regions.any(-1)
        return {
            "st_regions": regions,
            "ts_regions": regions,
            "st_frames": frames,
            "ts_frames": frames,
            "branches": frames.new_ones(len(frames), 2),
            "ranking": frames[:, 1:] & frames[:, :-1],
        }
