"""From detections to spatio-temporal object graphs."""

from stgraph.features.streams import grid_names
from stgraph.graph.builder import VideoGraphBuilder
from stgraph.graph.config import GraphConfig
from stgraph.graph.edge_kind import EdgeKind
from stgraph.graph.edges import (
    CosineEdges,
    EdgeRule,
    IouEdges,
    NearestEdges,
    TrackEdges,
    adjacent_only,
    cosine_edges,
    dense_edges,
    iou_edges,
    register_edge_rule,
    self_edges,
    spans_videos,
    wants_video,
    with_node_attributes,
)
from stgraph.graph.from_features import graphs_of
from stgraph.graph.networkx import to_networkx
from stgraph.graph.transforms import BoxCenters, LinkObjects
from stgraph.graph.video_graph import VideoGraph

__all__ = [
    "BoxCenters",
    "CosineEdges",
    "EdgeKind",
    "EdgeRule",
    "GraphConfig",
    "IouEdges",
    "LinkObjects",
    "NearestEdges",
    "TrackEdges",
    "VideoGraph",
    "VideoGraphBuilder",
    "adjacent_only",
    "cosine_edges",
    "dense_edges",
    "graphs_of",
    "grid_names",
    "iou_edges",
    "register_edge_rule",
    "self_edges",
    "spans_videos",
    "to_networkx",
    "wants_video",
    "with_node_attributes",
]
