"""From features to one vector a frame: the two branches before the language model."""

from stgraph.nn.encoder.graph_encoder import GraphEncoder
from stgraph.nn.encoder.input_features import InputFeatures
from stgraph.nn.encoder.scene_encoder import SceneEncoder

__all__ = ["GraphEncoder", "InputFeatures", "SceneEncoder"]
