"""Language models over encoded videos: a Transformer and two recurrent models with one interface."""

from stgraph.nn.decoder.caption_transformer import CaptionTransformer, FrameMemory
from stgraph.nn.decoder.decoding_state import DecodingState
from stgraph.nn.decoder.gate_dropout_lstm_cell import GateDropoutLSTMCell
from stgraph.nn.decoder.positions import SinusoidalPositions
from stgraph.nn.decoder.recurrent_decoder import RecurrentDecoder, RecurrentOutput, RecurrentState
from stgraph.nn.decoder.stat_decoder import LSTMState, STATDecoder, STATMemory
from stgraph.nn.decoder.stats_decoder import STaTSDecoder, STaTSMemory, STaTSState
from stgraph.nn.decoder.transformer_state import TransformerState

__all__ = [
    "CaptionTransformer",
    "DecodingState",
    "FrameMemory",
    "GateDropoutLSTMCell",
    "LSTMState",
    "RecurrentDecoder",
    "RecurrentOutput",
    "RecurrentState",
    "STATDecoder",
    "STATMemory",
    "STaTSDecoder",
    "STaTSMemory",
    "STaTSState",
    "SinusoidalPositions",
    "TransformerState",
]
