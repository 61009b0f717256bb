"""Edge rules, one a file: which boxes of a video are linked, and how strongly."""

from stgraph.graph.edges.cosine import cosine_edges
from stgraph.graph.edges.dense import dense_edges
from stgraph.graph.edges.iou import iou_edges
from stgraph.graph.edges.rule import EdgeRule, adjacent_only

__all__ = ["EdgeRule", "adjacent_only", "cosine_edges", "dense_edges", "iou_edges"]
