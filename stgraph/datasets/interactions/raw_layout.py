"""Writes generated videos in a common layout of detections and captions, as raw data for importers and tutorials."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from stgraph.checking import checked
from stgraph.datasets.interactions.grammar import reference_sentences
from stgraph.datasets.interactions.pixels import BlobDetector
from stgraph.datasets.interactions.rendering import render_video
from stgraph.datasets.interactions.scene import make_scene, video_id
from stgraph.datasets.interactions.worker_pool import generate_features
from stgraph.features.video_features import VideoFeatures
from stgraph.files import atomic_write, make_folder, write_text
from stgraph.typing import Natural, Width

__all__ = ["write_raw_layout"]

_MAX_BOXES = 5  # per frame
_TEST_SHARE = 0.25


@checked
def write_raw_layout(
    folder: str | Path, *, videos: Width = 27, seed: Natural = 0, video_files: bool = False
) -> Path:
    """Writes detections and captions of generated videos in the layout of public data.

    ``detections/ID.json`` contains width, height and ``num_frames`` of the file and, for each sampled frame, its number in
    the file, up to 5 ``boxes`` (xyxy, pixels), ``scores`` and ``labels``; ``detections/ID.npz`` contains
    ``frame_features [T, 172]`` and ``object_features [sum of boxes, 120]`` in the same order; ``clips/captions.json``
    contains dataset, split, file (null without video files) and captions by id.

    Args:
        folder: Target folder; existing files of the same names are replaced.
        videos: Number of videos.
        seed: Seed of the videos.
        video_files: Whether to write the videos too, as ``clips/ID.mp4``.

    Returns:
        The folder.

    Raises:
        OptionError: If ``videos`` is below 1, or ``seed`` is negative.
        WriteError: If a file can't be written.
    """
    folder = Path(folder)
    make_folder(folder / "detections")
    make_folder(folder / "clips")
    captions = {}
    in_test = np.random.default_rng([seed, videos]).permutation(videos) < round(_TEST_SHARE * videos)
    for index, features in enumerate(generate_features(seed, range(videos))):
        _write_detections(folder / "detections", features)
        if video_files:
            from stgraph.video import write_video  # which needs PyAV

            write_video(folder / "clips" / f"{features.id}.mp4", render_video(features.id), features.fps)
        captions[video_id(seed, index)] = {
            "dataset": "interactions",
            "split": "test" if in_test[index] else "train",
            "file": f"clips/{video_id(seed, index)}.mp4" if video_files else None,
            "captions": reference_sentences(make_scene(seed, index), seed, index),
        }
    write_text(folder / "clips" / "captions.json", json.dumps(captions, indent=1))
    return folder


def _write_detections(folder: Path, video: VideoFeatures) -> None:
    assert video.detections is not None
    assert video.appearance is not None
    found = video.detections.top(_MAX_BOXES)
    labels = found.labels
    frames = []
    for position, number in enumerate(video.frame_index.tolist()):
        here = (found.frame == position).nonzero()[:, 0]
        frames.append(
            {
                "frame": number,
                "boxes": found.boxes[here].tolist(),
                "scores": [round(score, 3) for score in found.scores[here].tolist()],
                "labels": [BlobDetector.label_names[label] for label in labels[here].tolist()],
            }
        )
    content = {
        "video": video.id,
        "width": video.size[1],
        "height": video.size[0],
        "num_frames": video.file_frames,
        "frames": frames,
    }
    write_text(folder / f"{video.id}.json", json.dumps(content))
    with atomic_write(folder / f"{video.id}.npz") as part, part.open("wb") as file:
        np.savez(
            file,
            frame_features=video.appearance.numpy().astype(np.float16),
            object_features=found.features.numpy().astype(np.float16),
        )
