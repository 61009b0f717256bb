"""Reads a folder of ``ID.json`` (boxes, scores and labels of sampled frames) and ``ID.npz`` (features)."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.errors import DataError, MissingDataError, StgraphError, shown
from stgraph.features.detections import Detections
from stgraph.features.importers.arrays import read_npz
from stgraph.features.importers.listing import files_of_videos
from stgraph.features.video_features import VideoFeatures
from stgraph.parsing import read_json, structure_of

__all__ = ["read_detections_folder"]

ARRAYS = ("frame_features", "object_features")
SIZES = ("width", "height", "num_frames")
LISTS = ("boxes", "scores", "labels")


@checked
def read_detections_folder(
    folder: str | Path, ids: Collection[str] | None = None
) -> tuple[Iterator[VideoFeatures], tuple[str, ...]]:
    """Reads detections from JSON files, and their features from npz files.

    ``ID.json`` contains ``width``, ``height``, ``num_frames`` (of the file), optionally ``fps``, and ``frames``: a list of
    ``frame`` (number in the file), ``boxes`` (xyxy pixels), ``scores`` and ``labels`` (names); a frame may have no boxes.
    ``ID.npz`` contains ``frame_features [T, Da]`` and ``object_features [N, Do]`` in the order of the JSON. Boxes that
    extend beyond the image are not clipped.

    Args:
        folder: The folder of the files.
        ids: Ids of the videos to read; None reads all.

    Returns:
        The videos sorted by id, read one at a time; and the sorted label names, which labels are indices into.

    Raises:
        MissingDataError: If the folder does not exist or has no JSON files, or an npz file is missing.
        DataError: If boxes are invalid, features do not match the boxes, or a file is damaged; the message names the file.
    """
    folder = Path(folder)
    every = files_of_videos(folder, (".json",))
    files = {video_id: file for video_id, file in every.items() if ids is None or video_id in ids}
    if not files:
        raise MissingDataError(f"No ID.json files of the wanted videos in {folder}; correct 'ids'.")
    # All names are needed before labels can be numbered.
    names = sorted(
        {name for file in files.values() for frame in _read_json(file)["frames"] for name in _labels(frame)}
    )
    numbers = {name: number for number, name in enumerate(names)}
    videos = (_read_video(video_id, file, numbers) for video_id, file in sorted(files.items()))
    return videos, tuple(names)


def _read_video(video_id: str, file: Path, numbers: dict[str, int]) -> VideoFeatures:
    content, arrays = _read_json(file), _read_arrays(file.with_suffix(".npz"))
    frames = content["frames"]
    wanted = {"frame_features": len(frames), "object_features": sum(len(frame["boxes"]) for frame in frames)}
    for name, rows in wanted.items():
        if arrays[name].ndim != 2 or len(arrays[name]) != rows:
            raise DataError(
                f"{file.with_suffix('.npz')}: '{name}' must be [{rows}, F] to match the frames and boxes of {file.name}, "
                f"got {list(arrays[name].shape)}; extract it again."
            )
    try:
        return _video(video_id, content, arrays, numbers)
    except StgraphError as error:
        raise DataError(f"{file}: {error}") from error
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise DataError(f"{file}: a box or score is no number ({error}); correct it.") from error


def _video(
    video_id: str, content: dict[str, Any], arrays: dict[str, np.ndarray], numbers: dict[str, int]
) -> VideoFeatures:
    frames, total = content["frames"], int(content["num_frames"])
    size, fps = (int(content["height"]), int(content["width"])), float(content.get("fps") or "nan")
    frame_index = torch.tensor([int(frame["frame"]) for frame in frames], dtype=torch.int64)
    outside = frame_index[(frame_index < 0) | (frame_index >= total)]
    if len(outside):
        raise DataError(
            f"frame {int(outside[0])} is not in a file of {total} frames; 'frame' must be the number in the file, from 0."
        )
    return VideoFeatures(
        id=video_id,
        size=size,
        frame_index=frame_index,
        frame_time=frame_index / fps,
        fps=fps,
        file_frames=total,
        appearance=torch.from_numpy(arrays["frame_features"]),
        detections=Detections(
            boxes=_join(frames, "boxes"),
            scores=_join(frames, "scores"),
            features=torch.from_numpy(arrays["object_features"]),
            frame=torch.arange(len(frames)).repeat_interleave(
                torch.tensor([len(frame["boxes"]) for frame in frames])
            ),
            num_frames=len(frames),
            size=size,
            labels=torch.tensor(
                [numbers[name] for frame in frames for name in _labels(frame)], dtype=torch.int64
            ),
            frame_index=frame_index,
        ),
    )


def _join(frames: list[dict[str, Any]], key: str) -> Tensor:
    return torch.tensor([value for frame in frames for value in frame[key]], dtype=torch.float32)


def _labels(frame: dict[str, Any]) -> list[str]:
    return [str(name) for name in frame["labels"]]


def _read_json(file: Path) -> dict[str, Any]:
    content = read_json(file)
    if not isinstance(content, dict):
        raise DataError(
            f"{file} must be an object with width, height, num_frames and frames, got {structure_of(content)}."
        )
    if missing := {*SIZES, "frames"} - set(content):
        raise DataError(f"{file} lacks {', '.join(sorted(missing))}; is it a detections file?")
    for key in SIZES:
        if not isinstance(content[key], int) or isinstance(content[key], bool) or content[key] < 1:
            raise DataError(
                f"{file}: '{key}' must be a whole number above 0, got {shown(content[key], 60)}; correct it."
            )
    if not isinstance(content["frames"], list):
        raise DataError(f"{file}: 'frames' must be a list of objects, got {structure_of(content['frames'])}.")
    for number, frame in enumerate(content["frames"]):
        lists: list[Any] = [frame.get(key) if isinstance(frame, dict) else None for key in LISTS]
        complete = all(isinstance(values, list) for values in lists) and isinstance(frame.get("frame"), int)
        if not complete or len({len(values) for values in lists}) > 1:
            raise DataError(
                f"{file}: entry {number} of 'frames' must have its number 'frame' and equally long lists of boxes, scores "
                "and labels; write it again."
            )
    return content


def _read_arrays(file: Path) -> dict[str, np.ndarray]:
    if not os.path.lexists(file):
        raise MissingDataError(f"No features at {file}; each ID.json needs its ID.npz.")
    arrays = read_npz(file, ARRAYS)
    for name, array in arrays.items():
        if array.dtype.kind not in "fiu":
            raise DataError(f"{file}: '{name}' must be numbers, got {array.dtype}; save it as float32.")
    return {name: array.astype(np.float32) for name, array in arrays.items()}
