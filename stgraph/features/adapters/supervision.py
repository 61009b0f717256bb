"""``supervision.Detections``, one a frame; the package is needed to make them, not to read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from stgraph.errors import DependencyError
from stgraph.features.adapters.per_frame import entries_of, join_entries
from stgraph.features.detections import UNKNOWN_TRACK, Detections

if TYPE_CHECKING:
    import supervision

__all__ = ["from_supervision", "to_supervision"]


def from_supervision(
    frames: Sequence[supervision.Detections],
    size: tuple[int, int],
    *,
    features: Any = None,
    sampled: Sequence[int] | None = None,
    fps: float | None = None,
) -> Detections:
    """Detections from a ``supervision.Detections`` a sampled frame.

    Boxes are ``xyxy``, scores ``confidence``, labels ``class_id``, tracks ``tracker_id``; masks, names of classes and
    other data are not read.

    Args:
        frames: One a sampled frame, ``supervision.Detections.empty()`` where nothing was found.
        size: Height and width in pixels.
        features: Appearance of all boxes in order; None takes ``data["features"]`` of each frame, and the box geometry
            where no frame has it.
        sampled: Number in the file of each frame.
        fps: Frames a second of the file, for ``time``; needs ``sampled``.

    Shapes: features ``[N, F]``.

    Raises:
        DataError: If a frame is invalid, named by its number from 0.
        OptionError: If ``fps`` is given without ``sampled``.
    """
    entries = [
        {
            "boxes": frame.xyxy,
            "scores": frame.confidence,
            "labels": frame.class_id,
            "track": frame.tracker_id,
            "features": frame.data.get("features") if features is None else None,
        }
        for frame in frames
    ]
    return join_entries(entries, size, sampled, fps, features)


def to_supervision(detections: Detections) -> list[supervision.Detections]:
    """A ``supervision.Detections`` a sampled frame, features in ``data["features"]``.

    ``class_id`` and ``tracker_id`` are None where the whole video has none; single unknown ones are -1.

    Raises:
        DependencyError: If ``supervision`` is not installed.
    """
    try:
        import supervision
    except ImportError as error:
        raise DependencyError(
            "Making supervision.Detections needs the package 'supervision', which is not installed; run: "
            "pip install 'stgraph-captioning[adapters]'"
        ) from error
    has_labels, has_tracks = _any_known(detections.labels), _any_known(detections.track)
    return [
        supervision.Detections(
            xyxy=entry["boxes"].numpy(),
            confidence=entry["scores"].numpy(),
            class_id=entry["labels"].numpy() if has_labels else None,
            tracker_id=entry["track"].numpy() if has_tracks else None,
            data={"features": entry["features"].numpy()},
        )
        for entry in entries_of(detections)
    ]


def _any_known(values: Tensor | None) -> bool:
    return values is not None and bool(values.ne(UNKNOWN_TRACK).any())
