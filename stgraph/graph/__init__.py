"""From detections to spatio-temporal object graphs."""

from stgraph.graph.builder import VideoGraphBuilder
from stgraph.graph.edges import EdgeRule, adjacent_only, cosine_edges, dense_edges, iou_edges
from stgraph.graph.networkx import to_networkx
from stgraph.graph.video_graph import EdgeKind, VideoGraph

__all__ = [
    "EdgeKind",
    "EdgeRule",
    "VideoGraph",
    "VideoGraphBuilder",
    "adjacent_only",
    "cosine_edges",
    "dense_edges",
    "iou_edges",
    "to_networkx",
]
