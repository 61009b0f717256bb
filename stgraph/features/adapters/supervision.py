"""Conversion from and to ``supervision.Detections``, one per frame; reading them doesn't need the package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from stgraph.checking import checked, described
from stgraph.errors import DependencyError, OptionError
from stgraph.features.adapters.per_frame import entries_of, join_entries
from stgraph.features.detections import UNKNOWN_TRACK, Detections, Values

if TYPE_CHECKING:
    import supervision

__all__ = ["from_supervision", "to_supervision"]


@checked
def from_supervision(
    frames: Sequence[Any],
    size: tuple[int, int],
    *,
    features: Values | None = None,
    masks: bool = False,
    sampled: Sequence[int] | None = None,
    fps: float | None = None,
) -> Detections:
    """Converts one ``supervision.Detections`` per sampled frame.

    Boxes are read from ``xyxy``, scores from ``confidence``, labels from ``class_id`` and tracks from ``tracker_id``;
    class names and other data are ignored.

    Args:
        frames: One per sampled frame; ``supervision.Detections.empty()`` for a frame without objects.
        size: Height and width of the image in pixels.
        features: Appearance features of all boxes in order; None uses ``data["features"]`` of each frame, or the box
            geometry if no frame has it.
        masks: Whether to read the masks; they must have the size of the image.
        sampled: Frame number in the file of each frame.
        fps: Frames per second of the file, to compute ``time``; requires ``sampled``.

    Returns:
        The detections of one video.

    Raises:
        DataError: If a frame is invalid; frames are numbered from 0.
        OptionError: If ``fps`` is given without ``sampled``.

    Shapes: features ``[N, F]``.
    """
    for number, frame in enumerate(frames):
        if not hasattr(frame, "xyxy"):
            raise OptionError(
                f"'frames[{number}]' must be supervision.Detections, got {described(frame)}; pass one per sampled frame."
            )
    entries = [
        {
            "boxes": frame.xyxy,
            "scores": frame.confidence,
            "labels": frame.class_id,
            "track": frame.tracker_id,
            "features": frame.data.get("features") if features is None else None,
            "masks": None if not masks or frame.mask is None else np.asarray(frame.mask, dtype=bool),
        }
        for frame in frames
    ]
    return join_entries(entries, size, sampled, fps, features)


@checked
def to_supervision(detections: Detections) -> list[supervision.Detections]:
    """Converts detections to one ``supervision.Detections`` per sampled frame, with features in ``data["features"]``.

    ``class_id`` and ``tracker_id`` are None if all of the video are unknown; single unknown ones are -1. Masks are kept;
    ``supervision.Detections`` have no keypoints.

    Raises:
        DependencyError: If ``supervision`` is not installed.
    """
    try:
        import supervision
    except ImportError as error:
        raise DependencyError(
            "supervision.Detections need the package 'supervision', which is not installed; run: "
            "pip install 'stgraph-captioning[adapters]'"
        ) from error
    has_labels, has_tracks = _any_known(detections.labels), _any_known(detections.track)
    return [
        supervision.Detections(
            xyxy=entry["boxes"].numpy(),
            confidence=entry["scores"].numpy(),
            class_id=entry["labels"].numpy() if has_labels else None,
            tracker_id=entry["track"].numpy() if has_tracks else None,
            mask=entry["masks"].numpy() if "masks" in entry else None,
            data={"features": entry["features"].numpy()},
        )
        for entry in entries_of(detections)
    ]


def _any_known(values: Tensor | None) -> bool:
    return values is not None and bool(values.ne(UNKNOWN_TRACK).any())
