"""``ultralytics.engine.results.Results``, one per frame; read by their attributes, so the package isn't needed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from stgraph.errors import DataError
from stgraph.features.adapters.per_frame import join_entries
from stgraph.features.detections import Detections

__all__ = ["from_ultralytics"]


def from_ultralytics(
    results: Any,
    *,
    features: Any = None,
    masks: bool = False,
    sampled: Sequence[int] | None = None,
    fps: float | None = None,
) -> Detections:
    """Detections from the results of an Ultralytics model, such as ``model.track("cat.mp4", stream=True)``.

    Boxes are ``boxes.xyxy``, scores ``boxes.conf``, labels ``boxes.cls``, tracks ``boxes.id`` and keypoints
    ``keypoints.data`` (their confidence is 1 where the model gives none). The size is ``orig_shape``; names of classes
    are in ``results[0].names``.

    Args:
        results: One result per sampled frame, as a list or a stream, or a single result.
        features: Appearance of all boxes in order; None takes the box geometry.
        masks: Whether to read the masks; they must have the size of the frames (``retina_masks=True``).
        sampled: Number in the file of each result's frame.
        fps: Frames per second of the file, for ``time``; needs ``sampled``.

    Returns:
        The detections of one video.

    Raises:
        DataError: If a result is not of a detector, its size differs from the others', or its values can't be right.
        OptionError: If ``fps`` is given without ``sampled``.

    Shapes: features ``[N, F]``.
    """
    frames: Iterable[Any] = [results] if hasattr(results, "orig_shape") else results
    entries: list[dict[str, Any]] = []
    size: tuple[int, int] | None = None
    for number, result in enumerate(frames):
        if getattr(result, "boxes", None) is None:
            raise DataError(
                f"Result {number} has no 'boxes' (got {type(result).__name__}); use the results of a model that "
                "detects, segments, poses or tracks."
            )
        shape = (int(result.orig_shape[0]), int(result.orig_shape[1]))
        size = size or shape
        if shape != size:
            raise DataError(
                f"Result {number} is of a frame of (height, width) {shape}, the first of {size}; give one video at a time."
            )
        boxes = result.boxes
        entries.append(
            {
                "boxes": _tensor(boxes.xyxy),
                "scores": _tensor(boxes.conf),
                "labels": _tensor(boxes.cls),
                "track": None if boxes.id is None else _tensor(boxes.id),
                "keypoints": _keypoints(result),
                "masks": _tensor(result.masks.data) > 0.5 if masks and result.masks is not None else None,
            }
        )
    if size is None:
        raise DataError(
            "There must be a result for each sampled frame, got none; a stream can be read only once."
        )
    return join_entries(entries, size, sampled, fps, features)


def _keypoints(result: Any) -> Tensor | None:
    if getattr(result, "keypoints", None) is None:
        return None
    points = _tensor(result.keypoints.data)
    ones = torch.ones(*points.shape[:-1], 1)
    return torch.cat([points, ones], dim=-1) if points.size(-1) == 2 else points


def _tensor(value: Any) -> Tensor:
    return torch.as_tensor(value).detach().cpu().float()
