"""Valid arguments of extraction."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

from tests.misuse import world
from tests.misuse.makers import fresh, pixels, rows, whole

__all__ = ["INSTANCES", "VALUES", "planned"]


@functools.cache
def extractor(name: str) -> Any:
    from stgraph.extraction.extractors import make_extractor

    small = {"min_size": 64, "max_boxes": 2} if name in ("faster_rcnn", "visual_genome") else {}
    return make_extractor(name, {"weights": "random", **small})


class Boxes:
    """A detector that finds one box in each frame."""

    weights = "none"

    def __call__(self, frames: list[Any]) -> list[Any]:
        from stgraph.extraction.extractors import FrameObjects

        found = FrameObjects(
            torch.tensor([[2.0, 2.0, 20.0, 20.0]]), torch.tensor([0.9]), torch.ones(1, 4), torch.tensor([1])
        )
        return [found for _ in frames]


def detector() -> Any:
    from stgraph.extraction.extractors.objects import CustomDetector

    return CustomDetector(Boxes(), name="boxes", features=None)


def plan() -> Any:
    from stgraph.extraction import ExtractionPlan, ExtractorChoice, FrameRule

    return ExtractionPlan([ExtractorChoice("resnet18", {"weights": "random"})], FrameRule("spread", 2))


@functools.cache
def planned() -> Any:
    return plan().build()


def sources() -> Any:
    from stgraph.extraction import find_videos

    return find_videos(world.clip().parent)[0]


def sized() -> Any:
    return functools.partial(detector)


IMAGE = {"ResNet": (3, 64, 64), "GoogLeNet": (3, 64, 64)}
NETWORKS = {
    **{f"ResNet{depth}": f"resnet{depth}" for depth in (18, 50, 101, 152)},
    "GoogLeNetPool5": "googlenet",
    "C3D": "c3d",
    "I3D": "i3d",
    "S3D": "s3d",
    "FasterRCNN": "faster_rcnn",
    "VisualGenomeFasterRCNN": "visual_genome",
    "Extractor": "resnet18",
    "NetworkExtractor": "resnet18",
}

CLIPS = ("C3D", "I3D", "S3D")
COUNTS = {name: 16 if name in CLIPS else 1 for name in NETWORKS}


def items(name: str) -> list[Any]:
    """What the extractor of a network takes, as small as it may be."""
    if name in CLIPS:
        size = 112 if name == "C3D" else 64
        return [torch.zeros(3, 16, size, size, dtype=torch.uint8)]
    if "RCNN" in name:
        return [extractor(NETWORKS[name]).preprocess(torch.from_numpy(pixels(1, 48, 64)()))]
    return [torch.zeros(3, 64, 64, dtype=torch.uint8)]


def _engine(sources: Any, timings: Any = None) -> Any:
    from stgraph.extraction import extract_videos

    return extract_videos(sources, planned(), threads=1)


VALUES: dict[str, Any] = {
    "records": lambda: planned().records,
    "FrameRule.of_record.record": lambda: ["spread", 4],
    **dict.fromkeys(
        ("ExtractionLog.save.store", "ExtractionLog.load.store"), lambda: world.folder() / "log.h5"
    ),
    "ExtractionPlan.choices": lambda: list(plan().choices),
    "ExtractionPlan.rule": lambda: plan().rule,
    "PlannedExtractors.plan": plan,
    "PlannedExtractors.extractors": lambda: list(planned().extractors),
    "VideoSource.id": "clip",
    "VideoSource.path": world.clip,
    "Failure.reason": "it is damaged",
    "Timings.add.seconds": 1.0,
    "Timings.add.items": 2,
    "sources": sources,
    "extract_to_store.planned": planned,
    "extract_to_store.store": fresh(".h5"),
    "extract_to_store.engine": lambda: functools.partial(_engine),
    "extract_videos.planned": planned,
    "find_videos.folder": lambda: world.clip().parent,
    "take_shard.shard": "1/1",
    "FrameObjects.labels": whole(1),
    "FrameObjects.track": whole(1),
    "find_extractor.name": "resnet18",
    "FrameObjects.boxes": lambda: torch.tensor([[1.0, 1.0, 5.0, 5.0]]),
    "FrameObjects.scores": lambda: torch.ones(1),
    "FrameObjects.features": rows(1, 4),
    "load_network.build": lambda: torch.nn.Identity,
    "load_network.weights": "random",
    "make_extractor.name": "resnet18",
    "make_extractor.settings": lambda: {"weights": "random"},
    "height": 48,
    "width_": 64,
    **{f"{name}.area.width": 64 for name in NETWORKS},
    **{f"{name}.weights": "random" for name in NETWORKS},
    **{
        f"{name}.preprocess.frames": lambda count=count: torch.from_numpy(pixels(count, 48, 64)())
        for name, count in COUNTS.items()
    },
    **{
        f"{name}.join_frames.frames": lambda: list(torch.from_numpy(pixels(1, 48, 64)()))
        for name in NETWORKS
        if name not in CLIPS
    },
    **{f"{name}.join_frames.frames": lambda: list(torch.zeros(16, 3, 64, 64)) for name in CLIPS},
    **{f"{name}.reduce_frame.frame": lambda: torch.from_numpy(pixels(1, 48, 64)()[0]) for name in NETWORKS},
    **{
        f"{name}.{method}.items": (lambda name=name: items(name))
        for name in NETWORKS
        for method in ("extract", "maps_and_vectors", "batch")
    },
    "CustomDetector.detector": lambda: Boxes(),
    "CustomDetector.features": None,
    "CustomDetector.preprocess.frames": lambda: torch.from_numpy(pixels(1, 48, 64)()),
    "CustomDetector.extract.items": lambda: [detector().preprocess(torch.from_numpy(pixels(1, 48, 64)()))],
    "CustomDetector.join_frames.frames": lambda: list(torch.from_numpy(pixels(1, 48, 64)())),
    "CustomDetector.reduce_frame.frame": lambda: torch.from_numpy(pixels(1, 48, 64)()[0]),
    "warn_caller.message": "look at this",
    "described.value": 1,
    "roi_features.cells": rows(1, 8, 4, 4),
    "roi_features.boxes": lambda: torch.tensor([[1.0, 1.0, 50.0, 50.0]]),
}

INSTANCES: dict[str, Callable[[], Any]] = {
    "ExtractionPlan": plan,
    "PlannedExtractors": planned,
    "CustomDetector": detector,
    **{name: (lambda name=name: extractor(NETWORKS[name])) for name in NETWORKS},
}
