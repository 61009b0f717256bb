"""COCO detection results: a JSON list with one entry ``{image_id, category_id, bbox, score}`` per box."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stgraph.checking import checked
from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.features.adapters.file_boxes import FileBox, join_boxes, shortest, xywh_of
from stgraph.features.detections import UNKNOWN_TRACK, Detections
from stgraph.parsing import read_json, structure_of

__all__ = ["from_coco_results", "read_coco_results", "to_coco_results"]

Size = tuple[int, int]
Images = Mapping[Any, tuple[str, int]]


@checked
def from_coco_results(
    results: Sequence[Mapping[str, Any]],
    size: Size | Mapping[str, Size],
    *,
    images: Images | None = None,
    video: str = "video",
    masks: bool = False,
    sampled: Sequence[int] | None = None,
    fps: float | Mapping[str, float] | None = None,
) -> dict[str, Detections]:
    """Converts COCO results, in any order, to detections.

    ``bbox`` is left, top, width, height in pixels; ``category_id`` becomes the label and ``track_id``, if present, the
    track. A missing score is 1, a missing category or track -1. ``keypoints`` is a flat list of x, y and confidence. An
    entry without ``bbox`` gets the box around its keypoints or, with ``masks``, its mask. Features are the box geometry.

    Args:
        results: The entries.
        size: Image height and width in pixels, for all videos or by video.
        images: Video and frame number of each ``image_id``; these are the sampled frames, including those without
            results. None uses ``image_id`` as the frame number in a single video.
        video: Name of the single video.
        masks: Whether to decode ``segmentation``, as run lengths or polygons.
        sampled: Frame numbers in the file of all sampled frames of the single video; boxes in other frames are skipped.
            None uses the frames that occur.
        fps: Frames per second, for all videos or by video, to compute ``time``.

    Returns:
        Detections by video.

    Raises:
        DataError: If an entry is invalid, or a video has no size or frames; entries are numbered from 0.
        OptionError: If both ``images`` and ``sampled`` are given.

    >>> results = [{"image_id": 30, "category_id": 1, "bbox": [10, 10, 5, 5], "score": 0.9}]
    >>> from_coco_results(results, (24, 32), sampled=[0, 15, 30])["video"].frame
    tensor([2])
    """
    if images is not None and sampled is not None:
        raise OptionError("'sampled' and 'images' both specify the sampled frames; give one of them.")
    boxes: dict[str, list[FileBox]] = {video: []}
    frames: dict[str, Sequence[int] | None] = {video: sampled}
    places: Images | None = None
    if images is not None:
        # Some tools write ids as strings, and JSON keys are strings anyway.
        places = {str(image): place for image, place in images.items()}
        of_video: dict[str, set[int]] = {}
        for name, frame in places.values():
            of_video.setdefault(name, set()).add(frame)
        boxes = {name: [] for name in of_video}
        frames = {name: sorted(found) for name, found in of_video.items()}
    for number, entry in enumerate(results):
        name, box = _parse(f"Entry {number}", entry, video, places, size, masks)
        boxes[name].append(box)
    return {
        name: join_boxes(rows, _of(size, name, "size"), frames[name], _of(fps, name, "fps"))
        for name, rows in boxes.items()
    }


@checked
def read_coco_results(
    path: str | Path, size: Size | Mapping[str, Size], **options: Any
) -> dict[str, Detections]:
    """Reads a JSON file of COCO results.

    Args:
        path: The file.
        size: Image height and width in pixels, for all videos or by video.
        options: Further arguments of :func:`from_coco_results`; ``video`` defaults to the file name.

    Returns:
        Detections by video.

    Raises:
        MissingDataError: If the file does not exist.
        DataError: If it is not a JSON list, or as in :func:`from_coco_results`; the message names the file.
        OptionError: As in :func:`from_coco_results`.
    """
    path = Path(path)
    if not os.path.lexists(path):
        raise MissingDataError(f"No COCO results at {path}; pass the JSON file that contains them.")
    results = read_json(path)
    if not isinstance(results, list):
        raise DataError(
            f"{path} must be a list of results, got {structure_of(results)}; is it an annotations file?"
        )
    try:
        return from_coco_results(results, size, **{"video": path.stem, **options})
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


@checked
def to_coco_results(
    detections: Detections, image_ids: Sequence[int | str] | None = None
) -> list[dict[str, Any]]:
    """Converts detections to COCO results.

    Entries have a ``track_id`` only if the track is known, and ``keypoints`` and ``segmentation`` (compressed run lengths)
    if the detections have them. Features are not written.

    Args:
        detections: Detections of one video.
        image_ids: Id of each sampled frame; None uses its number in the file, or its position if that is unknown.

    Returns:
        One entry per box, in order.

    Raises:
        DataError: If the number of ids is not that of the frames.

    Shapes: image_ids ``[T]``.

    >>> video = from_coco_results([{"image_id": 4, "bbox": [1, 2, 5, 5]}], (24, 32))["video"]
    >>> to_coco_results(video)
    [{'image_id': 4, 'category_id': -1, 'bbox': [1.0, 2.0, 5.0, 5.0], 'score': 1.0}]
    """
    if image_ids is None:
        index = detections.frame_index
        image_ids = range(detections.num_frames) if index is None else index.tolist()
    if len(image_ids) != detections.num_frames:
        raise DataError(
            f"'image_ids' must name each of the {detections.num_frames} sampled frames, got {len(image_ids)}."
        )
    columns = zip(
        detections.frame.tolist(),
        detections.labels.tolist(),
        xywh_of(detections.boxes),
        detections.scores.tolist(),
        detections.track.tolist(),
        strict=True,
    )
    return [
        {
            "image_id": image_ids[frame],
            "category_id": label,
            "bbox": [float(number) for number in box],
            "score": float(shortest(score)),
            **({} if track == UNKNOWN_TRACK else {"track_id": track}),
            **_extras(detections, row),
        }
        for row, (frame, label, box, score, track) in enumerate(columns)
    ]


def _extras(detections: Detections, row: int) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    if detections.keypoints is not None:
        extras["keypoints"] = [
            float(shortest(value)) for value in detections.keypoints[row].flatten().tolist()
        ]
    if detections.masks is not None:
        from stgraph.features.adapters.mask_codes import encode_mask

        extras["segmentation"] = encode_mask(detections.masks[row].numpy())
    return extras


def _parse(
    where: str,
    entry: Mapping[str, Any],
    video: str,
    places: Images | None,
    size: Size | Mapping[str, Size],
    masks: bool,
) -> tuple[str, FileBox]:
    shapes = ("bbox", "keypoints", *(("segmentation",) if masks else ()))
    if not isinstance(entry, Mapping) or "image_id" not in entry or not entry.keys() & set(shapes):
        raise DataError(f"{where} must have 'image_id' and 'bbox', got {structure_of(entry, 0)}.")
    image = entry["image_id"]
    if places is not None and str(image) not in places:
        raise DataError(f"{where}: image_id {image!r} is not in 'images'; add it or remove the entry.")
    name, frame = (video, image) if places is None else places[str(image)]
    image_size: Size = _of(size, name, "size")
    mask = None
    if masks and entry.get("segmentation") is not None:
        from stgraph.features.adapters.mask_codes import decode_mask

        mask = decode_mask(entry["segmentation"], image_size, where)
    try:
        keypoints = _keypoints(entry.get("keypoints"))
        x, y, w, h = map(float, entry["bbox"]) if "bbox" in entry else _extent(keypoints, mask)
        numbers: dict[str, Any] = {
            "frame": _whole("image_id", frame),
            "score": float(entry.get("score", 1.0)),
            "label": _whole("category_id", entry.get("category_id", UNKNOWN_TRACK)),
            "track": _whole("track_id", entry.get("track_id", UNKNOWN_TRACK)),
        }
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"{where} must contain numbers, four of them in 'bbox', got {str(dict(entry))[:150]} ({error}); fix or drop it."
        ) from error
    return name, FileBox(
        where=where, xywh=(x, y, w, h), size=image_size, keypoints=keypoints, mask=mask, **numbers
    )


def _keypoints(flat: Any) -> list[list[float]] | None:
    if flat is None or len(flat) == 0:
        return None
    numbers = [float(number) for number in flat]
    if len(numbers) % 3:
        raise ValueError("'keypoints' must be x, y and confidence of each")
    return [numbers[start : start + 3] for start in range(0, len(numbers), 3)]


def _extent(
    keypoints: list[list[float]] | None, mask: np.ndarray | None
) -> tuple[float, float, float, float]:
    """Left, top, width and height of the box around the mask, or around all keypoints as in pycocotools."""
    if mask is not None:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if not len(rows):
            raise ValueError("the mask is empty")
        xs, ys = (columns[0], columns[-1] + 1), (rows[0], rows[-1] + 1)
    else:
        if keypoints is None:
            raise ValueError("there is neither 'bbox' nor a keypoint")
        xs, ys = zip(*((x, y) for x, y, _ in keypoints), strict=True)
    return float(min(xs)), float(min(ys)), float(max(xs) - min(xs)), float(max(ys) - min(ys))


def _whole(key: str, value: Any) -> int:
    if int(value) != float(value):
        raise ValueError(f"'{key}' must be whole")
    return int(value)


def _of(value: Any, name: str, argument: str) -> Any:
    """The value for one video, from a common value or one per video."""
    if not isinstance(value, Mapping):
        return value
    if name not in value:
        raise DataError(f"'{argument}' has no entry for video '{name}'; add it.")
    return value[name]
