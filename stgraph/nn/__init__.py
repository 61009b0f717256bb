"""Layers of the three systems; they know tensors only."""

from stgraph.nn.attention import MultiHeadAttention
from stgraph.nn.conv import NormalizedAdjacency, RelativeGeometry, ResidualGCNConv
from stgraph.nn.decoder import (
    FrameMemory,
    SinusoidalPositions,
    TransformerDecoder,
    TransformerState,
    pad_frames,
)
from stgraph.nn.encoder import GraphEncoder, InputFeatures, SceneEncoder
from stgraph.nn.pool import FrameAttentionPool, FrameMeanPool

__all__ = [
    "FrameAttentionPool",
    "FrameMeanPool",
    "FrameMemory",
    "GraphEncoder",
    "InputFeatures",
    "MultiHeadAttention",
    "NormalizedAdjacency",
    "RelativeGeometry",
    "ResidualGCNConv",
    "SceneEncoder",
    "SinusoidalPositions",
    "TransformerDecoder",
    "TransformerState",
    "pad_frames",
]
