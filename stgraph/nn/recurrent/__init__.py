"""Recurrent language models on one interface: teacher forcing, scheduled sampling, decoding word by word."""

from stgraph.nn.recurrent.gate_dropout_lstm_cell import GateDropoutLSTMCell
from stgraph.nn.recurrent.recurrent_decoder import RecurrentDecoder, RecurrentOutput, RecurrentState
from stgraph.nn.recurrent.stat_decoder import STATDecoder
from stgraph.nn.recurrent.stats_decoder import STaTSDecoder
from stgraph.nn.recurrent.video_memory import VideoMemory

__all__ = [
    "GateDropoutLSTMCell",
    "RecurrentDecoder",
    "RecurrentOutput",
    "RecurrentState",
    "STATDecoder",
    "STaTSDecoder",
    "VideoMemory",
]
