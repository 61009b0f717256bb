"""Encoders: from features to the input of the language models."""

from stgraph.nn.encoder.graph_encoder import GraphEncoder
from stgraph.nn.encoder.input_features import InputFeatures
from stgraph.nn.encoder.scene_encoder import SceneEncoder
from stgraph.nn.encoder.stat_encoder import STATEncoder
from stgraph.nn.encoder.stats_encoder import STaTSEncoder
from stgraph.nn.encoder.stream_embedding import StreamEmbedding

__all__ = ["GraphEncoder", "InputFeatures", "STATEncoder", "STaTSEncoder", "SceneEncoder", "StreamEmbedding"]
