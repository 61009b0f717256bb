"""A folder of ``ID.json`` (boxes, scores, labels of sampled frames) and ``ID.npz`` (features)."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stgraph.errors import DataError, MissingDataError, ShapeError
from stgraph.features.detections import Detections
from stgraph.features.video_features import VideoFeatures

__all__ = ["read_detections_folder"]

ARRAYS = ("frame_features", "object_features")


def read_detections_folder(folder: str | Path) -> tuple[Iterator[VideoFeatures], tuple[str, ...]]:
    """Reads detections that came as JSON with their features beside them in npz.

    ``ID.json`` holds ``width``, ``height``, ``num_frames`` (of the file), optionally ``fps``, and
    ``frames``: a list of ``frame`` (number in the file), ``boxes`` (xyxy pixels), ``scores`` and ``labels``
    (names); a frame may be without boxes. ``ID.npz`` holds ``frame_features [T, Da]`` and ``object_features
    [sum of boxes, Do]`` in the order of the JSON. Boxes that reach over the picture's edge are kept as they
    are.

    Returns: The videos by id, read one at a time; and the sorted label names, which the labels number.
    Raises: MissingDataError: No such folder, no JSON in it, or an npz is missing. DataError: Boxes turned
        inside out, features that don't match the boxes, or a damaged file; names the file.
    """
    folder = Path(folder)
    files = sorted(folder.glob("*.json")) if folder.is_dir() else []
    if not files:
        raise MissingDataError(
            f"No ID.json files of detections in {folder}; give the folder that holds them."
        )
    # Names must be known before the first label gets its number.
    found = {str(name) for file in files for frame in _read_json(file)["frames"] for name in frame["labels"]}
    names = tuple(sorted(found))
    return (_read_video(file, {name: number for number, name in enumerate(names)}) for file in files), names


def _read_video(file: Path, numbers: dict[str, int]) -> VideoFeatures:
    content, arrays = _read_json(file), _read_arrays(file.with_suffix(".npz"))
    frames = content["frames"]
    counts = [len(frame["boxes"]) for frame in frames]
    for name, rows, of in (
        ("frame_features", len(frames), "frames"),
        ("object_features", sum(counts), "boxes"),
    ):
        if arrays[name].ndim != 2 or len(arrays[name]) != rows:
            raise DataError(
                f"{file.with_suffix('.npz')}: '{name}' must be [{rows}, F], a row for each of the {of} in "
                f"{file.name}, got {list(arrays[name].shape)}; extract it again."
            )
    size, fps = (int(content["height"]), int(content["width"])), float(content.get("fps") or "nan")
    numbers_in_file, total = [int(frame["frame"]) for frame in frames], int(content["num_frames"])
    for number in numbers_in_file:
        if not 0 <= number < total:
            raise DataError(
                f"{file}: frame {number} is not among the file's {total} frames; 'frame' is a number in the "
                "file, from 0."
            )
    frame_index = torch.tensor(numbers_in_file, dtype=torch.int64)
    try:
        return VideoFeatures(
            id=file.stem,
            size=size,
            frame_index=frame_index,
            frame_time=frame_index / fps,
            fps=fps,
            file_frames=total,
            appearance=torch.from_numpy(arrays["frame_features"]),
            detections=Detections(
                boxes=_join(frames, "boxes").reshape(-1, 4),
                scores=_join(frames, "scores"),
                features=torch.from_numpy(arrays["object_features"]),
                frame=torch.arange(len(frames)).repeat_interleave(torch.tensor(counts)),
                num_frames=len(frames),
                size=size,
                labels=torch.tensor(
                    [numbers[name] for frame in frames for name in frame["labels"]], dtype=torch.int64
                ),
                frame_index=frame_index,
            ),
        )
    except (DataError, ShapeError, ValueError) as error:
        raise DataError(f"{file}: {error}") from error


def _join(frames: list[dict[str, Any]], key: str) -> Tensor:
    return torch.tensor([value for frame in frames for value in frame[key]], dtype=torch.float32)


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{file} is not valid JSON: {error}.") from error
    missing = {"width", "height", "num_frames", "frames"} - set(content if isinstance(content, dict) else ())
    if missing:
        raise DataError(f"{file} lacks {', '.join(sorted(missing))}; is it a file of detections?")
    for number, frame in enumerate(content["frames"]):
        lengths = {key: len(frame.get(key, ())) for key in ("boxes", "scores", "labels")}
        if "frame" not in frame or len(set(lengths.values())) > 1:
            raise DataError(
                f"{file}: frame entry {number} must have its 'frame' and as many boxes as scores and "
                f"labels, got {lengths}."
            )
    return content


def _read_arrays(file: Path) -> dict[str, np.ndarray]:
    if not file.is_file():
        raise MissingDataError(f"No features at {file}; each ID.json needs its ID.npz.")
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name].astype(np.float32) for name in ARRAYS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{file} cannot be read ({error}); it must hold {' and '.join(ARRAYS)} as plain numbers."
        ) from error
