"""Language models over encoded frames."""

from stgraph.nn.decoder.positions import SinusoidalPositions
from stgraph.nn.decoder.transformer_decoder import FrameMemory, TransformerDecoder, pad_frames
from stgraph.nn.decoder.transformer_state import TransformerState

__all__ = ["FrameMemory", "SinusoidalPositions", "TransformerDecoder", "TransformerState", "pad_frames"]
