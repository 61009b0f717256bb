"""Valid arguments and instances of pictures, pages, videos and explanations."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

from tests.misuse import world
from tests.misuse.makers import pixels, real, rows
from tests.misuse.run_values import caption, counts, predictions, scores

__all__ = ["INSTANCES", "VALUES"]

four_frames = pixels(4, 32, 48)
ORDERED = {"ranked": rows(2, 8), "frames": rows(2, 3, 8), "mask": real(2, 3)}


def saliency() -> Any:
    from stgraph.inspection import Saliency

    return Saliency("a cat", -1.0, "pixels", torch.rand(2, 4, 4), torch.rand(2, 2, 2))


def sharpness() -> Any:
    from stgraph.inspection import FrameSharpness

    values = {"video0": 0.5, "video1": 0.6}
    return FrameSharpness("small", "test", "frames", values, values, values)


def example() -> Any:
    from stgraph.inspection import CaptionExample

    return CaptionExample("video0", {"model": "a cat"}, ["a cat jumps"], pixels(4, 32, 48)())


def view() -> Any:
    """A caption on the page of `world.graph`."""
    from stgraph.inspection import CaptionView

    return CaptionView("model", ("a", "cat"), torch.rand(2, 4), torch.rand(2, 6))


def scored_model() -> Any:
    from stgraph.inspection import ScoredModel

    return ScoredModel("model", scores(), {"loss": [(0.0, 1.0), (1.0, 0.5)]})


def boxes_of(video: Any) -> int:
    return len(world.captioner().graph_of(video, "object").x)


def explainable() -> Any:
    from stgraph.inspection import ExplainableCaption

    return ExplainableCaption(world.captioner(), world.video(), "a cat", branch="object")


def explainable_classifier() -> Any:
    from stgraph.inspection import ExplainableClassifier

    return ExplainableClassifier(world.classifier().model, world.examples()[0][0])


@functools.cache
def ranked() -> Any:
    """A captioner with a ranked vector, whose order over time can be measured."""
    from stgraph import CaptionPipeline, STaTSCaptioner

    torch.manual_seed(0)
    sizes = {"embedding_channels": 8, "attention_channels": 8, "word_channels": 8, "hidden_channels": 8}
    made = STaTSCaptioner.for_data(world.data(), **sizes).eval()
    return CaptionPipeline(made, world.tokenizer(), world.data().model_config(made))


VALUES: dict[str, Any] = {
    # pictures and pages
    "CaptionExample.captions": lambda: {"model": "a cat"},
    "CaptionView.words": lambda: ["a", "cat", "(end)"],
    "CaptionView.frames": lambda: torch.full((3, 4), 0.25),
    "FrameOrder.dataset": "small",
    "FrameOrder.shares": lambda: {"video0": 0.5},
    "FrameOrder.left_out": (),
    "FrameSharpness.dataset": "small",
    **{f"FrameSharpness.{name}": (lambda: {"video0": 0.5}) for name in ("largest", "effective", "even")},
    "FrameSharpness.attention": "frames",
    "RegionLayout.heat.weights": lambda: torch.rand(4, 4),
    "Saliency.caption": "a cat",
    "Saliency.log_prob": -1.0,
    "Saliency.source": "pixels",
    "Saliency.gradient": lambda: torch.rand(2, 4, 4),
    "Saliency.grad_cam": lambda: torch.rand(2, 2, 2),
    "draw_attention.caption": caption,
    **{
        f"{name}.path": lambda: world.folder() / "picture.png"
        for name in (
            "draw_attention",
            "draw_captions",
            "draw_confusion",
            "draw_saliency",
            "draw_sharpness",
            "draw_word_counts",
            "draw_graph",
            "draw_grounding",
        )
    },
    **dict.fromkeys(("draw_graph.frames", "write_graph_video.frames", "write_page.frames"), four_frames),
    "write_graph_video.path": lambda: world.folder() / "graph.mp4",
    "write_graph_video.time": lambda: torch.arange(4) / 4,
    "Grounding.words": ("a", "cat"),
    "Grounding.caption": "a cat",
    "Grounding.method": "attention",
    "Grounding.branch": "scene",
    "Grounding.log_probs": lambda: -torch.ones(2),
    "Grounding.frames": lambda: torch.rand(2, 4),
    "Grounding.nodes": lambda: torch.rand(2, 6),
    "Grounding.frame": lambda: world.graph().frame,
    "CaptionView.nodes": lambda: torch.rand(3, 6),
    "draw_grounding.frames": four_frames,
    "draw_grounding.words": lambda: [0, 1],
    **dict.fromkeys(("ground_caption.caption", "log_probs_without.caption"), "a cat"),
    **dict.fromkeys(("ExplainableCaption.caption", "caption_saliency.caption"), "a cat"),
    **dict.fromkeys(("ExplainableCaption.branch", "log_probs_without.branch"), "object"),
    **dict.fromkeys(
        ("ExplainableCaption.video", "ground_caption.video", "log_probs_without.video"), world.video
    ),
    "ground_caption.n_steps": 2,
    "log_probs_without.removed": lambda: torch.zeros(2, boxes_of(world.video()), dtype=torch.bool),
    **dict.fromkeys(("ExplainableCaption.forward.x",), lambda: explainable().graph.x),
    **dict.fromkeys(("ExplainableCaption.forward.edge_index",), lambda: explainable().graph.edge_index),
    **dict.fromkeys(("ExplainableClassifier.graph",), lambda: world.examples()[0][0]),
    "ExplainableClassifier.model": lambda: world.classifier().model,
    "ExplainableClassifier.query": None,
    "ExplainableClassifier.forward.x": lambda: world.examples()[0][0].x,
    "ExplainableClassifier.forward.edge_index": lambda: world.examples()[0][0].edge_index,
    "ScoredModel.name": "model",
    "ScoredModel.curves": lambda: {"loss": [(0.0, 1.0), (1.0, 0.5)]},
    "write_report.examples": lambda: [example()],
    "write_report.models": lambda: [scored_model()],
    **{f"ordered_share.{name}": value for name, value in ORDERED.items()},
    "frame_order.captioner": ranked,
    "frame_sharpness.captioner": ranked,
    "draw_attention.frames": pixels(4, 32, 48),
    "draw_captions.examples": lambda: [example()],
    "draw_confusion.predictions": predictions,
    "draw_saliency.found": lambda: {"model": saliency()},
    "draw_saliency.frames": pixels(2, 32, 48),
    "draw_sharpness.groups": lambda: {"model": [sharpness()]},
    "draw_word_counts.counts": lambda: {"model": counts()},
    "grad_cam.maps": rows(2, 3, 4, 4),
    "grad_cam.gradient": rows(2, 3, 4, 4),
    "sharpness_of.weights": lambda: torch.full((3, 4), 0.25),
    "region_layout.branch": lambda: world.captioner().default_branch,
    "region_layout.graph": lambda: world.batch().graphs[0],
    "captioner": world.captioner,
    "caption_saliency.frames": None,
    "caption_saliency.video": world.video,
    "frame_order.split": "test",
    "write_page.path": lambda: world.folder() / "page.html",
    "write_page.captions": lambda: [view()],
}

INSTANCES: dict[str, Callable[[], Any]] = {
    "Saliency": saliency,
    "FrameSharpness": sharpness,
    "CaptionExample": example,
    "CaptionView": view,
    "ScoredModel": scored_model,
    "ExplainableCaption": explainable,
    "ExplainableClassifier": explainable_classifier,
}
