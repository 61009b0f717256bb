"""From detections to spatio-temporal object graphs."""

from stgraph.graph.builder import VideoGraphBuilder
from stgraph.graph.config import GraphConfig, build_graph_builder
from stgraph.graph.edge_kind import EdgeKind
from stgraph.graph.edges import (
    CosineEdges,
    EdgeRule,
    IouEdges,
    adjacent_only,
    cosine_edges,
    dense_edges,
    iou_edges,
    self_edges,
    wants_video,
)
from stgraph.graph.from_features import graphs_of, grid_names
from stgraph.graph.networkx import to_networkx
from stgraph.graph.video_graph import VideoGraph

__all__ = [
    "CosineEdges",
    "EdgeKind",
    "EdgeRule",
    "GraphConfig",
    "IouEdges",
    "VideoGraph",
    "VideoGraphBuilder",
    "adjacent_only",
    "build_graph_builder",
    "cosine_edges",
    "dense_edges",
    "graphs_of",
    "grid_names",
    "iou_edges",
    "self_edges",
    "to_networkx",
    "wants_video",
]
