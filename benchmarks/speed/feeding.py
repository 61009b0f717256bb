"""Reading stored features of one video, warm, compared with one ``.npy`` file per stream and video.

``python -m benchmarks.speed.feeding [--quick]`` prints the rows as JSON. Both hold the same float16 features and give
float32 tensors, checked equal before. The videos are read in a new order each round. The first peer only loads the files and
converts them to float32; the store returns a checked ``VideoFeatures``, which the second peer makes from the files.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.speed.measuring import Row, compare, copy_rate, run_alone
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


def rows(quick: bool) -> list[Row]:
    """Beside both peers."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_both(folder)
        store = FeatureStore(folder / "store.h5")
        ids = list(store.ids)
        for video_id in ids:
            check_equal(store[video_id], read_checked(folder, video_id), read_plain(folder, video_id))
        values = sum(value.numel() for value in read_plain(folder, ids[0]).values())
        peers: dict[str, Callable[[str], object]] = {
            "one .npy per stream and video, plain tensors": lambda video_id: read_plain(folder, video_id),
            "the same files, checked into a VideoFeatures": lambda video_id: read_checked(folder, video_id),
        }
        return [
            compare(
                f"feeding, {peer}",
                f"features of a video, {PAPER['num_frames']} frames, {PAPER['clips']} clips, {PAPER['objects']} objects a "
                f"frame, {PAPER['width']} wide, in the cache of the system",
                lambda: _read_all(ids, store.read),
                peer,
                lambda read=read: _read_all(ids, read),  # type: ignore[misc]
                rounds=4 if quick else 15,
                promise=2.0 if "plain" in peer else None,
                # float16 is read once and float32 written once; a copied byte is read and written.
                floor=(len(ids) * values * 3 / copy_rate(), "conversion of its numbers"),
                per=len(ids),
            )
            for peer, read in peers.items()
        ]


def _read_all(ids: list[str], read: Callable[[str], object]) -> None:
    for video_id in random.sample(ids, len(ids)):
        read(video_id)


if __name__ == "__main__":
    run_alone(rows, __doc__)
