"""From detections to spatio-temporal object graphs."""

from stgraph.graph.builder import VideoGraphBuilder
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
from stgraph.graph.networkx import to_networkx
from stgraph.graph.video_graph import EdgeKind, VideoGraph

__all__ = [
    "CosineEdges",
    "EdgeKind",
    "EdgeRule",
    "IouEdges",
    "VideoGraph",
    "VideoGraphBuilder",
    "adjacent_only",
    "cosine_edges",
    "dense_edges",
    "iou_edges",
    "self_edges",
    "to_networkx",
    "wants_video",
]
