"""Pictures and pages of graphs, attention and confusion, and a measure of how well ranked attention orders frames."""

from stgraph.inspection.attention import draw_attention
from stgraph.inspection.confusion import draw_confusion
from stgraph.inspection.frame_order import FrameOrder, frame_order, ordered_share
from stgraph.inspection.html import CaptionView, write_page
from stgraph.inspection.pictures import draw_graph

__all__ = [
    "CaptionView",
    "FrameOrder",
    "draw_attention",
    "draw_confusion",
    "draw_graph",
    "frame_order",
    "ordered_share",
    "write_page",
]
