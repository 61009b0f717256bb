"""Small real stand-ins for what the docs' Python blocks name: python tests/stand_ins.py FOLDER.

The folder then holds ``cat.mp4``, ``a.mp4`` and ``b.mp4``; ``features.h5``, extracted from these and other generated videos
by a backbone with random weights and a detector of coloured things; and ``captions.csv``. `results` stands in for what a
detector returns for the frames of a video. This file is copied beside the blocks, so it imports nothing of the tests.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

__all__ = ["Blobs", "make", "results"]

NAMES = ("cat", "a", "b")
SPLITS = ("test", "train", "train", "train", "train", "train", "train", "train", "val", "val", "test", "test")


def _result(shift: float) -> Any:
    """What Ultralytics returns for one frame: two tracked boxes."""
    xyxy = torch.tensor([[10.0, 10.0, 60.0, 90.0], [50.0, 40.0, 90.0, 90.0]]) + shift
    boxes = SimpleNamespace(
        xyxy=xyxy,
        conf=torch.tensor([0.9, 0.8]),
        cls=torch.tensor([15.0, 0.0]),
        id=torch.tensor([1.0, 2.0]),
        is_track=True,
    )
    return SimpleNamespace(
        boxes=boxes,
        orig_shape=(120, 160),
        names={0: "person", 15: "cat"},
        keypoints=None,
        masks=None,
        obb=None,
        probs=None,
        path="cat.mp4",
    )


results: list[Any] = [_result(2.0 * frame) for frame in range(4)]


class Blobs:
    """Detects the coloured things of generated videos; called as any detector of a user's own."""

    weights = "none"

    def __call__(self, frames: list[np.ndarray]) -> list[Any]:
        from stgraph.datasets.interactions.pixels import BlobDetector

        found = [BlobDetector()(frame[None]) for frame in frames]
        return [(each.boxes, each.scores, each.labels) for each in found]


def make(folder: Path) -> None:
    """Writes videos, store and captions into ``folder``."""
    from stgraph.datasets.interactions import write_raw_layout
    from stgraph.extraction import (
        ExtractionPlan,
        ExtractorChoice,
        FrameRule,
        extract_to_store,
        extract_videos,
        find_videos,
    )

    raw = write_raw_layout(folder / "raw", videos=len(SPLITS), video_files=True)
    given = json.loads((raw / "clips" / "captions.json").read_text(encoding="utf-8"))
    videos = folder / "videos"
    videos.mkdir()
    with (folder / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "caption", "split"])
        for index, (entry, split) in enumerate(zip(given.values(), SPLITS, strict=True)):
            name = NAMES[index] if index < len(NAMES) else f"video{index}"
            shutil.copy(raw / entry["file"], videos / f"{name}.mp4")
            rows.writerows([name, caption, split] for caption in entry["captions"])
    for name in NAMES:
        shutil.copy(videos / f"{name}.mp4", folder)
    detector = {"features": "resnet18", "features_weights": "random", "side": 112}
    choices = [
        ExtractorChoice("resnet18", {"weights": "random"}),
        ExtractorChoice("stand_ins.Blobs", detector),
    ]
    planned = ExtractionPlan(choices, FrameRule("spread", 4), allow=["stand_ins.Blobs"]).build()
    sources, _ = find_videos(videos)
    extract_to_store(sources, planned, folder / "features.h5", partial(extract_videos, planned=planned))
    shutil.rmtree(raw)
    shutil.rmtree(videos)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
