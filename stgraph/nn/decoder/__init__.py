"""Language models over encoded frames."""

from stgraph.nn.decoder.positions import SinusoidalPositions
from stgraph.nn.decoder.transformer_decoder import (
    FrameMemory,
    TransformerDecoder,
    TransformerState,
    pad_frames,
)

__all__ = ["FrameMemory", "SinusoidalPositions", "TransformerDecoder", "TransformerState", "pad_frames"]
