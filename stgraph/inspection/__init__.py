"""Looking at what a model sees: pictures of graphs and of attention, the order that it finds in frames."""

from stgraph.inspection.attention import draw_attention
from stgraph.inspection.frame_order import FrameOrder, frame_order, ordered_share
from stgraph.inspection.pictures import draw_graph

__all__ = ["FrameOrder", "draw_attention", "draw_graph", "frame_order", "ordered_share"]
