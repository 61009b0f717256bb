"""Boxes as most files list them: frame number, left, top, width and height."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from torch import Tensor

from stgraph.errors import DataError, OptionError
from stgraph.features.detections import Detections, count_rows

__all__ = ["FileBox", "join_boxes", "shortest", "xywh_of"]


@dataclass(frozen=True)
class FileBox:
    """One box of a file, checked on construction.

    Args:
        where: Location in the file for error messages, such as "Line 3".
        frame: Frame number in the video file, from 0.
        xywh: Left, top, width and height in pixels.
        size: Height and width of the image in pixels.
        score: As in :class:`Detections`.
        label: As in :class:`Detections`.
        track: As in :class:`Detections`.
        keypoints: x, y and confidence of each keypoint, or None.
        mask: Mask of the object, bool ``[H, W]``, or None.

    Raises:
        DataError: If the box has no area or is outside the image, or a number is not finite.
    """

    where: str
    frame: int
    xywh: tuple[float, float, float, float]
    size: tuple[int, int]
    score: float = 1.0
    label: int = -1
    track: int = -1
    keypoints: Sequence[Sequence[float]] | None = None
    mask: np.ndarray | None = None

    def __post_init__(self) -> None:
        x, y, w, h = self.xywh
        height, width = self.size
        if not all(map(math.isfinite, (*self.xywh, self.score))):
            raise DataError(
                f"{self.where}: box and score must be finite, got {list(self.xywh)} and {self.score}."
            )
        if min(w, h) <= 0:
            raise DataError(
                f"{self.where}: width and height must be above 0, got {w:g} and {h:g}; remove the box."
            )
        if x >= width or y >= height or x + w <= 0 or y + h <= 0:
            raise DataError(
                f"{self.where}: the box at ({x:g}, {y:g}) of {w:g} x {h:g} does not overlap the image of {width} x {height} "
                "pixels; remove it, or correct 'size'."
            )


def join_boxes(
    boxes: Sequence[FileBox],
    size: tuple[int, int],
    sampled: Sequence[int] | None,
    fps: float | None,
    features: Any = None,
) -> Detections:
    """Joins the boxes of one video, skipping those in frames that are not sampled.

    If some boxes have keypoints, the others get keypoints of confidence 0 at (0, 0), as in COCO; likewise an empty mask.

    Args:
        boxes: Boxes of one video, in any order.
        size: Height and width of the image in pixels.
        sampled: Frame numbers of the sampled frames; None uses the frames that occur.
        fps: Frames per second of the file, or None.
        features: Features of each box; None uses the box geometry.

    Raises:
        DataError: If no box is in a sampled frame, the number of features is not that of the boxes, or their keypoints
            differ in number.

    Shapes: features ``[N, F]``.
    """
    if features is not None and count_rows(features) != len(boxes):
        raise DataError(
            f"'features' must have a row for each of the {len(boxes)} boxes, got {len(features)}."
        )
    rows = list(range(len(boxes)))
    if sampled is not None:
        wanted = set(map(int, sampled))
        rows = [row for row in rows if boxes[row].frame in wanted]
        if boxes and not rows:
            raise DataError(
                f"None of the {len(boxes)} boxes lies in a frame of 'sampled'; frames are numbered from 0, and the "
                f"first box is in frame {boxes[0].frame}."
            )
    kept = [boxes[row] for row in rows]
    corners = [(x, y, x + w, y + h) for x, y, w, h in (box.xywh for box in kept)]
    return Detections.from_raw(
        boxes=corners,
        frame_numbers=[box.frame for box in kept],
        scores=[box.score for box in kept],
        labels=[box.label for box in kept],
        track=[box.track for box in kept],
        keypoints=_column("keypoints", kept),
        masks=_column("mask", kept),
        features=None if features is None else _selected(features, rows),
        sampled=sampled,
        size=size,
        fps=fps,
    )


def _column(name: str, boxes: Sequence[FileBox]) -> np.ndarray | None:
    """One array per box, of zeros for a box that has none; None if no box has any."""
    found = {box.where: np.asarray(value) for box in boxes if (value := getattr(box, name)) is not None}
    if not found:
        return None
    first = next(iter(found.values()))
    for where, value in found.items():
        if value.shape != first.shape:
            raise DataError(
                f"{where}: '{name}' must have the same shape for all boxes, got {list(value.shape)} and {list(first.shape)}."
            )
    return np.stack([found.get(box.where, np.zeros_like(first)) for box in boxes])


def shortest(value: float | np.floating) -> Decimal:
    """The shortest decimal number that rounds to this float32.

    >>> shortest(0.10000000149011612)
    Decimal('0.1')
    """
    return Decimal(str(np.float32(value)))


def xywh_of(boxes: Tensor) -> list[list[Decimal]]:
    """Left, top, width and height of each box, from which the corners can be recovered exactly.

    The difference of two float32 numbers is rarely a float32, so adding a rounded difference may miss the corner. Decimal
    numbers subtract exactly and stay short.

    Shapes: boxes ``[N, 4]`` -> N lists of 4.

    >>> import torch
    >>> [str(number) for number in xywh_of(torch.tensor([[0.1, 2.0, 10.3, 4.5]]))[0]]
    ['0.1', '2.0', '10.2', '2.5']
    """
    corners = [[shortest(value) for value in box] for box in boxes.tolist()]
    return [[x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in corners]


def _selected(features: Any, rows: list[int]) -> np.ndarray:
    try:
        return np.asarray(features)[rows]
    except (TypeError, ValueError) as error:
        raise OptionError(
            f"'features' must be numbers [N, F], got rows of different kinds ({error})."
        ) from error
