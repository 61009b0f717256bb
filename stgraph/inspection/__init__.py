"""Pictures and pages of graphs, attention, saliency, captions and confusion; how attention orders and selects frames."""

from stgraph.inspection.attention import draw_attention
from stgraph.inspection.caption_figures import CaptionExample, draw_captions, draw_sharpness, draw_word_counts
from stgraph.inspection.confusion import draw_confusion
from stgraph.inspection.frame_order import FrameOrder, frame_order, ordered_share
from stgraph.inspection.graph_video import write_graph_video
from stgraph.inspection.grounding import (
    GROUNDING_METHODS,
    ExplainableCaption,
    ExplainableClassifier,
    Grounding,
    draw_grounding,
    ground_caption,
    log_probs_without,
)
from stgraph.inspection.html import CaptionView, ScoredModel, write_page, write_report
from stgraph.inspection.pictures import draw_graph
from stgraph.inspection.regions import RegionLayout, region_layout
from stgraph.inspection.saliency import FrameBackbone, Saliency, caption_saliency, grad_cam
from stgraph.inspection.saliency_figure import draw_saliency
from stgraph.inspection.sharpness import FrameSharpness, frame_sharpness, sharpness_of

__all__ = [
    "GROUNDING_METHODS",
    "CaptionExample",
    "CaptionView",
    "ExplainableCaption",
    "ExplainableClassifier",
    "FrameBackbone",
    "FrameOrder",
    "FrameSharpness",
    "Grounding",
    "RegionLayout",
    "Saliency",
    "ScoredModel",
    "caption_saliency",
    "draw_attention",
    "draw_captions",
    "draw_confusion",
    "draw_graph",
    "draw_grounding",
    "draw_saliency",
    "draw_sharpness",
    "draw_word_counts",
    "frame_order",
    "frame_sharpness",
    "grad_cam",
    "ground_caption",
    "log_probs_without",
    "ordered_share",
    "region_layout",
    "sharpness_of",
    "write_graph_video",
    "write_page",
    "write_report",
]
