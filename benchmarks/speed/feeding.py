"""How fast stored features of one video are read, warm, compared with one ``.npy`` file per stream and video.

``python -m benchmarks.speed.feeding [--out FILE.json]``. Both hold the same float16 features and give float32 tensors,
checked equal before anything is timed. Times are medians of processor seconds on one thread; the variants take turns
and read the videos in a new order each turn. The simple variant only loads the files and converts them to float32; the
store returns a checked ``VideoFeatures``, which the third variant makes from the files.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from stgraph.features import Detections, ExtractorRecord, FeatureStore, FeatureStoreWriter, VideoFeatures

PAPER = {"videos": 256, "num_frames": 10, "objects": 5, "clips": 8, "width": 2048}
SIZE = (240, 320)
FILES = ("appearance", "motion", "feature", "box", "score", "label", "frame")


def random_video(number: int) -> VideoFeatures:
    draw = torch.Generator().manual_seed(number)
    frames, clips, width = PAPER["num_frames"], PAPER["clips"], PAPER["width"]
    boxes = frames * PAPER["objects"]
    corner = torch.rand(boxes, 2, generator=draw) * 100

    def rows(count: int) -> Tensor:
        return torch.randn(count, width, generator=draw).half()

    return VideoFeatures(
        id=f"video{number}",
        size=SIZE,
        frame_index=torch.arange(frames) * 12,
        frame_time=torch.arange(frames) * 0.4,
        appearance=rows(frames),
        motion=rows(clips),
        clip_start=torch.arange(clips) * 16,
        detections=Detections(
            boxes=torch.cat([corner, corner + 5 + torch.rand(boxes, 2, generator=draw) * 100], dim=1),
            scores=torch.rand(boxes, generator=draw),
            features=rows(boxes),
            frame=torch.arange(frames).repeat_interleave(PAPER["objects"]),
            num_frames=frames,
            size=SIZE,
            labels=torch.randint(0, 80, (boxes,), generator=draw),
        ),
    )


def write_both(folder: Path) -> None:
    records = {name: ExtractorRecord(name, "random", {}) for name in ("appearance", "motion", "object")}
    with FeatureStoreWriter(folder / "store.h5", extractors=records) as writer:
        for number in range(PAPER["videos"]):
            video = random_video(number)
            writer.add(video)
            assert video.detections is not None
            arrays = {
                "appearance": video.appearance,
                "motion": video.motion,
                "feature": video.detections.features.half(),
                "box": video.detections.boxes,
                "score": video.detections.scores,
                "label": video.detections.labels,
                "frame": video.detections.frame,
            }
            for name in FILES:
                path = folder / name / f"{video.id}.npy"
                path.parent.mkdir(exist_ok=True)
                np.save(path, arrays[name].numpy())


def read_plain(folder: Path, video_id: str) -> dict[str, Tensor]:
    found = {name: torch.from_numpy(np.load(folder / name / f"{video_id}.npy")) for name in FILES}
    return {name: value.float() if value.is_floating_point() else value for name, value in found.items()}


def read_checked(folder: Path, video_id: str) -> VideoFeatures:
    found, frames = read_plain(folder, video_id), PAPER["num_frames"]
    return VideoFeatures(
        id=video_id,
        size=SIZE,
        frame_index=torch.arange(frames) * 12,
        frame_time=torch.arange(frames) * 0.4,
        appearance=found["appearance"],
        motion=found["motion"],
        clip_start=torch.arange(PAPER["clips"]) * 16,
        detections=Detections(
            boxes=found["box"],
            scores=found["score"],
            features=found["feature"],
            frame=found["frame"],
            num_frames=frames,
            size=SIZE,
            labels=found["label"],
        ),
    )


def check_equal(stored: VideoFeatures, checked: VideoFeatures, plain: dict[str, Tensor]) -> None:
    for video in (stored, checked):
        found = video.detections
        assert found is not None
        values = (
            video.appearance,
            video.motion,
            found.features,
            found.boxes,
            found.scores,
            found.labels,
            found.frame,
        )
        for name, value in zip(FILES, values, strict=True):
            assert value is not None, name
            assert value.dtype == plain[name].dtype, name
            assert torch.equal(value, plain[name]), name


def measure(folder: Path, rounds: int) -> dict[str, object]:
    store = FeatureStore(folder / "store.h5")
    ids = list(store.ids)
    for video_id in ids:
        check_equal(store[video_id], read_checked(folder, video_id), read_plain(folder, video_id))
    ways: dict[str, Callable[[str], object]] = {
        "store": store.read,
        "npy, plain tensors": lambda video_id: read_plain(folder, video_id),
        "npy, VideoFeatures": lambda video_id: read_checked(folder, video_id),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 2):
        random.Random(turn).shuffle(ids)
        for name, read in ways.items():
            start = time.process_time()
            for video_id in ids:
                read(video_id)
            if turn >= 2:  # the first two warm up
                seconds[name].append(time.process_time() - start)
    each = {name: 1e6 * statistics.median(values) / len(ids) for name, values in seconds.items()}
    return {
        "microseconds_a_video": each,
        "times_as_long_as_the_store": {name: value / each["store"] for name, value in each.items()},
    }


def commit() -> str:
    answer = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/speed_feeding.json"))
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        write_both(Path(folder))
        measured = measure(Path(folder), options.rounds)
    names = ("torch", "numpy", "h5py", "stgraph-captioning")
    result = {
        "clock": "median of processor seconds",
        "shape": PAPER,
        **measured,
        "commit": commit(),
        "device": f"one thread of {os.cpu_count()} CPUs, {platform.machine()}",
        "versions": {"python": platform.python_version()} | {name: version(name) for name in names},
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
