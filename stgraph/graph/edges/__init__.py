"""Edge rules, one per file: which boxes of a video are linked, and with which weight."""

from stgraph.graph.edges.cosine import CosineEdges, cosine_edges
from stgraph.graph.edges.dense import dense_edges
from stgraph.graph.edges.iou import IouEdges, iou_edges
from stgraph.graph.edges.nearest import NearestEdges
from stgraph.graph.edges.registry import edge_rule_names, find_edge_rule, register_edge_rule
from stgraph.graph.edges.rule import EdgeRule, adjacent_only, spans_videos, wants_video, with_node_attributes
from stgraph.graph.edges.self_loops import self_edges
from stgraph.graph.edges.track import TrackEdges

__all__ = [
    "CosineEdges",
    "EdgeRule",
    "IouEdges",
    "NearestEdges",
    "TrackEdges",
    "adjacent_only",
    "cosine_edges",
    "dense_edges",
    "edge_rule_names",
    "find_edge_rule",
    "iou_edges",
    "register_edge_rule",
    "self_edges",
    "spans_videos",
    "wants_video",
    "with_node_attributes",
]
