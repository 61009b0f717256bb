"""Graph convolutions and their sparse products."""

from stgraph.nn.conv.adjacency import NormalizedAdjacency
from stgraph.nn.conv.conv_block import ConvBlock, pyg_conv
from stgraph.nn.conv.relative_geometry import RelativeGeometry
from stgraph.nn.conv.relative_motion import EDGE_ATTRIBUTES, EdgeAttributes, box_motion
from stgraph.nn.conv.residual_gcn_conv import ResidualGCNConv

__all__ = [
    "EDGE_ATTRIBUTES",
    "ConvBlock",
    "EdgeAttributes",
    "NormalizedAdjacency",
    "RelativeGeometry",
    "ResidualGCNConv",
    "box_motion",
    "pyg_conv",
]
