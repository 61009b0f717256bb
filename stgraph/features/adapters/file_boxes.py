"""Boxes as files hold them: one by one, with the number of a frame, as left, top, width and height."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from torch import Tensor

from stgraph.errors import DataError
from stgraph.features.detections import Detections

__all__ = ["FileBox", "join_boxes", "shortest", "xywh_of"]


@dataclass(frozen=True)
class FileBox:
    """One box of a file, checked on construction.

    Args:
        where: What errors call it, such as "Line 3".
        frame: Number in the video's file, from 0.
        xywh: Left, top, width and height in pixels.
        size: Height and width of the picture in pixels.
        score, label, track: As in :class:`Detections`.

    Raises:
        DataError: If a box has no area or is outside the picture, or a number is not finite.
    """

    where: str
    frame: int
    xywh: tuple[float, float, float, float]
    size: tuple[int, int]
    score: float = 1.0
    label: int = -1
    track: int = -1

    def __post_init__(self) -> None:
        x, y, w, h = self.xywh
        height, width = self.size
        if not all(map(math.isfinite, (*self.xywh, self.score))):
            raise DataError(
                f"{self.where}: box and score must be finite, got {list(self.xywh)} and {self.score}."
            )
        if min(w, h) <= 0:
            raise DataError(f"{self.where}: width and height must be above 0, got {w:g} and {h:g}; drop it.")
        if x >= width or y >= height or x + w <= 0 or y + h <= 0:
            raise DataError(
                f"{self.where}: the box at ({x:g}, {y:g}) of {w:g} x {h:g} does not touch the picture of {width} x {height} "
                "pixels; drop it, or give the right 'size'."
            )


def join_boxes(
    boxes: Sequence[FileBox],
    size: tuple[int, int],
    sampled: Sequence[int] | None,
    fps: float | None,
    features: Any = None,
) -> Detections:
    """One video's detections; boxes outside ``sampled`` are left out, but not all of them.

    Shapes: features ``[boxes, F]``.

    Raises:
        DataError: If no box is left, or there are not as many features as boxes.
    """
    if features is not None and len(features) != len(boxes):
        raise DataError(
            f"'features' must have a row for each of the {len(boxes)} boxes, got {len(features)}."
        )
    rows = list(range(len(boxes)))
    if sampled is not None:
        wanted = set(map(int, sampled))
        rows = [row for row in rows if boxes[row].frame in wanted]
        if boxes and not rows:
            raise DataError(
                f"None of the {len(boxes)} boxes lies in a frame of 'sampled'; its numbers count from 0, and the "
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
        features=None if features is None else np.asarray(features)[rows],
        sampled=sampled,
        size=size,
        fps=fps,
    )


def shortest(value: float | np.floating) -> Decimal:
    """The shortest decimal number that is this float32.

    >>> shortest(0.10000000149011612)
    Decimal('0.1')
    """
    return Decimal(str(np.float32(value)))


def xywh_of(boxes: Tensor) -> list[list[Decimal]]:
    """Left, top, width and height of each box, such that the corners come back to the bit.

    The difference of two float32 corners rarely is a float32, and adding a rounded one misses the corner; decimals
    subtract exactly, and stay short.

    Shapes: boxes ``[N, 4]`` -> N lists of 4.

    >>> import torch
    >>> [str(number) for number in xywh_of(torch.tensor([[0.1, 2.0, 10.3, 4.5]]))[0]]
    ['0.1', '2.0', '10.2', '2.5']
    """
    corners = [[shortest(value) for value in box] for box in boxes.tolist()]
    return [[x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in corners]
