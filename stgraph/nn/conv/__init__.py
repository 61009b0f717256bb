"""Graph convolutions and their sparse products."""

from stgraph.nn.conv.adjacency import NormalizedAdjacency
from stgraph.nn.conv.relative_geometry import RelativeGeometry
from stgraph.nn.conv.residual_gcn_conv import ResidualGCNConv

__all__ = ["NormalizedAdjacency", "RelativeGeometry", "ResidualGCNConv"]
