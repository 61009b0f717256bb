"""Edge rules, one a file: which boxes of a video are linked, and how strongly."""

from stgraph.graph.edges.cosine import CosineEdges, cosine_edges
from stgraph.graph.edges.dense import dense_edges
from stgraph.graph.edges.iou import IouEdges, iou_edges
from stgraph.graph.edges.rule import EdgeRule, adjacent_only, wants_video
from stgraph.graph.edges.self_loops import self_edges

__all__ = [
    "CosineEdges",
    "EdgeRule",
    "IouEdges",
    "adjacent_only",
    "cosine_edges",
    "dense_edges",
    "iou_edges",
    "self_edges",
    "wants_video",
]
