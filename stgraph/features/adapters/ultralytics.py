"""Conversion from ``ultralytics.engine.results.Results``, one per frame; doesn't need the package."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from stgraph.checking import checked, described
from stgraph.errors import DataError, OptionError
from stgraph.features.adapters.per_frame import join_entries
from stgraph.features.detections import Detections, Values

__all__ = ["from_ultralytics"]


@checked
def from_ultralytics(
    results: Any,
    *,
    features: Values | None = None,
    masks: bool = False,
    sampled: Sequence[int] | None = None,
    fps: float | None = None,
) -> Detections:
    """Converts the results of an Ultralytics model, such as ``model.track("cat.mp4", stream=True)``.

    Boxes are read from ``boxes.xyxy``, scores from ``boxes.conf``, labels from ``boxes.cls``, tracks from ``boxes.id`` and
    keypoints from ``keypoints.data`` (with confidence 1 if the model gives none). The image size is ``orig_shape``; class
    names are in ``results[0].names``.

    Args:
        results: One result per sampled frame, as a list or a stream, or a single result.
        features: Appearance features of all boxes in order; None uses the box geometry.
        masks: Whether to read the masks; they must have the size of the frames (``retina_masks=True``).
        sampled: Frame number in the file of each result.
        fps: Frames per second of the file, to compute ``time``; requires ``sampled``.

    Returns:
        The detections of one video.

    Raises:
        DataError: If a result has no boxes, its size differs from the others', or a value is invalid.
        OptionError: If ``fps`` is given without ``sampled``.

    Shapes: features ``[N, F]``.
    """
    listed = isinstance(results, Iterable) and getattr(results, "ndim", 1) > 0
    if not hasattr(results, "orig_shape") and not listed:
        raise OptionError(f"'results' must be the results of an Ultralytics model, got {described(results)}.")
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
                f"Result {number} is of a frame of (height, width) {shape}, the first of {size}; pass one video at a time."
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
