"""Language models over encoded videos: a Transformer, and two recurrent ones on one interface."""

from stgraph.nn.decoder.caption_transformer import CaptionTransformer, FrameMemory
from stgraph.nn.decoder.decoding_state import DecodingState
from stgraph.nn.decoder.gate_dropout_lstm_cell import GateDropoutLSTMCell
from stgraph.nn.decoder.positions import SinusoidalPositions
from stgraph.nn.decoder.recurrent_decoder import RecurrentDecoder, RecurrentOutput, RecurrentState
from stgraph.nn.decoder.stat_decoder import STATDecoder
from stgraph.nn.decoder.stats_decoder import STaTSDecoder
from stgraph.nn.decoder.transformer_state import TransformerState

__all__ = [
    "CaptionTransformer",
    "DecodingState",
    "FrameMemory",
    "GateDropoutLSTMCell",
    "RecurrentDecoder",
    "RecurrentOutput",
    "RecurrentState",
    "STATDecoder",
    "STaTSDecoder",
    "SinusoidalPositions",
    "TransformerState",
]
