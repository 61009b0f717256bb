"""The language model of STAT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stgraph.checking import axes, checked
from stgraph.nn.attention import STATAttention, STATAttentionMemory
from stgraph.nn.decoder.gate_dropout_lstm_cell import GateDropoutLSTMCell
from stgraph.nn.decoder.recurrent_decoder import RecurrentDecoder, RecurrentState
from stgraph.nn.linear import Linear
from stgraph.nn.masking import masked_mean
from stgraph.nn.memory import RowMemory, VideoMemory
from stgraph.typing import FloatTensor, IndexTensor, Probability, Width

__all__ = ["LSTMState", "STATDecoder", "STATMemory"]


@checked
@dataclass(frozen=True)
class STATMemory(RowMemory):
    """Mean of each video ``[B, D]``, from which the LSTM starts, and the memory of the attention."""

    mean: FloatTensor
    attention: STATAttentionMemory


@checked
@dataclass(frozen=True)
class LSTMState(RowMemory):
    """Hidden state and cell of an LSTM, ``[P, H]`` each."""

    hidden: FloatTensor
    cell: FloatTensor


@checked
class STATDecoder(RecurrentDecoder[STATMemory, LSTMState]):
    r"""LSTM over words and the output of STAT's attention, which is queried with the state before each word.

    .. math:: h_0 = \tanh(W \bar{g} + b), \quad c_0 = \tanh(W' \bar{g} + b'), \quad
        h_l, c_l = \operatorname{LSTM}(h_{l-1}, c_{l-1}, [x_l ; \mathrm{ctx}_l])

    .. math:: q = W_o\, d(h_l) + b + x_l + W_z \mathrm{ctx}_l + b, \quad p = \operatorname{softmax}(W_v\, d(\tanh q) + b_v)

    :math:`x_l` is the previous word, zeros for the first one, whatever its token is; :math:`\bar{g}` the mean of the real
    frames of the attention's first stream (of all real regions, if that is the local stream).

    Args:
        vocab_size: V, size of the vocabulary.
        attention: With ``channels`` as ``in_channels`` and ``hidden_channels`` as its query's width.
        in_channels: Width of the streams.
        word_channels: Width of a word.
        hidden_channels: Width of the LSTM.
        dropout: d, of the LSTM's gates and the readout.
        excluded: Ids of words that never get any probability.

    Shapes: As :class:`RecurrentDecoder`; a memory holds "frames" for the stream "global", "motion" and "regions" for
        "local". Attention weights are "global", "motion", "local" ``[P, L, T]`` and "regions" ``[P, L, T, S]``.

    Raises:
        DataError: If a stream of the attention is missing.

    Reference: Tu et al., ACM MM 2017, and the authors' released code.
    """

    def __init__(
        self,
        vocab_size: Width,
        attention: STATAttention,
        in_channels: Width,
        *,
        word_channels: Width = 512,
        hidden_channels: Width = 1024,
        dropout: Probability = 0.5,
        excluded: Sequence[int] = (),
    ) -> None:
        super().__init__(vocab_size, word_channels)
        self.attention, self.excluded = attention, tuple(excluded)
        self.first_hidden = Linear(in_channels, hidden_channels)
        self.first_cell = Linear(in_channels, hidden_channels)
        self.cell = GateDropoutLSTMCell(word_channels + in_channels, hidden_channels, dropout)
        self.hidden_out = Linear(hidden_channels, word_channels)
        self.context_out = Linear(in_channels, word_channels)
        self.lm_head = Linear(word_channels, vocab_size)
        self.dropout = nn.Dropout(dropout)

    def precompute(self, memory: VideoMemory) -> STATMemory:
        """Streams with their keys, and the mean that the LSTM starts from."""
        streams, real, mean = {}, memory.mask.new_zeros(*memory.mask.shape, 1), None
        for name in self.attention.temporal:
            if name == "local":
                streams[name], real = _regions(memory)
                first = masked_mean(streams[name].flatten(1, 2), real.flatten(1), 1)
            else:
                streams[name] = memory.real_frames("frames" if name == "global" else name)
                first = masked_mean(streams[name], memory.mask, 1)
            mean = first if mean is None else mean
        assert mean is not None, "the attention has at least one stream"
        return STATMemory(mean, self.attention.precompute(streams, memory.mask, real))

    def begin(self, memory: STATMemory) -> LSTMState:
        """The LSTM's state before the first word."""
        return LSTMState(self.first_hidden(memory.mean).tanh(), self.first_cell(memory.mean).tanh())

    @axes(tokens="P L <vocab_size")
    def embed(self, tokens: IndexTensor, start: int) -> Tensor:
        """Embeds words; the word at position 0 is a zero vector."""
        words = self.embedding(tokens)
        if start:
            return words
        return torch.cat([torch.zeros_like(words[:, :1]), words[:, 1:]], dim=1)

    @axes(word="P=state.num_captions E=embedding.embedding_dim")
    def advance(
        self, word: FloatTensor, state: RecurrentState[STATMemory, LSTMState]
    ) -> tuple[Tensor, RecurrentState[STATMemory, LSTMState]]:
        """Attention by the state before the word, then the LSTM; the features are q without its tanh."""
        before = state.hidden.hidden, state.hidden.cell
        seen = self.attention(before[0], state.memory.attention)
        hidden, cell = self.cell(torch.cat([word, seen.vector], dim=-1), before)
        features = self.hidden_out(self.dropout(hidden)) + word + self.context_out(seen.vector)
        return features, self.after(state, LSTMState(hidden, cell), seen.weights)

    @axes(features="... R=lm_head.in_features")
    def readout(self, features: FloatTensor) -> Tensor:
        """Logits ``[..., V]`` from features q, minus infinity for excluded words."""
        logits = self.lm_head(self.dropout(features.tanh()))
        if not self.excluded:
            return logits
        return logits.index_fill(-1, torch.tensor(self.excluded, device=logits.device), -torch.inf)

    def masks(self, memory: STATMemory) -> dict[str, Tensor]:
        """Masks of the frames of each stream, and of the regions."""
        return memory.attention.masks()


def _regions(memory: VideoMemory) -> tuple[Tensor, Tensor]:
    if memory.regions is None:
        memory.real_frames("regions")  # raises the error that names the stream
    return memory.regions_or_frames()
