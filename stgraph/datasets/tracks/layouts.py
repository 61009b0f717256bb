"""Checks of JSON layouts, of arrays, of segments, and of boxes that annotators left empty."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stgraph.datasets.tracks.annotated_video import Segment
from stgraph.errors import DataError, shown

__all__ = [
    "FARTHEST",
    "Entry",
    "Pair",
    "Run",
    "check_segments",
    "checked_array",
    "usable_boxes",
    "validated",
    "whole_numbers",
]


FARTHEST = 1e9
"""Largest number in boxes, states and scores; no picture has as many pixels."""


class Entry(BaseModel):
    """An object of a JSON layout; keys that the layout does not name are ignored, as releases add some."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, populate_by_name=True)


Pair = Annotated[tuple[str, str], Field(strict=False)]
"""Two names; JSON has lists only."""
Run = Annotated[tuple[str, int], Field(strict=False)]
"""A name and the number of frames that it lasts."""
Layout = TypeVar("Layout", bound=Entry)


def validated(layout: type[Layout], content: Any, path: Path) -> Layout:
    """Checks the content of a file.

    Args:
        layout: What it must be.
        content: What was read.
        path: The file, for messages.

    Raises:
        DataError: If a key is missing or a value is of another type; the message names the first one.
    """
    try:
        return layout.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = shown(".".join(str(part) for part in first["loc"]), 100) or "the file"
        problem = f"{first['msg'][0].lower()}{first['msg'][1:]}"
        raise DataError(
            f"{shown(path)}: '{where}' is not as in this layout ({problem}, got {shown(repr(first['input']), 60)}); "
            "docs/tracks.md shows the layout."
        ) from None  # pydantic's own text lists every problem of the file


def checked_array(array: np.ndarray, shape: tuple[int, ...], where: str) -> np.ndarray:
    """Checks an array of a file, and converts it to float64.

    Args:
        array: The array.
        shape: Its shape; -1 allows any size.
        where: The file and the name of the array, for messages.

    Raises:
        DataError: If it has another shape, or values other than numbers up to 1e9.
    """
    fits = array.ndim == len(shape) and all(n in (-1, m) for n, m in zip(shape, array.shape, strict=True))
    if not fits:
        wanted = str(list(shape)).replace("-1", "any")
        raise DataError(
            f"{where} must be {wanted}, got {list(array.shape)}; the files of the folder are of different versions."
        )
    if array.dtype.kind not in "biuf":
        raise DataError(f"{where} must hold numbers, got {array.dtype}; write it again.")
    numbers = array.astype(np.float64)
    if (wrong := numbers[~(np.abs(numbers) <= FARTHEST)]).size:
        raise DataError(f"{where} must hold numbers up to {FARTHEST:g}, got {wrong[0]:g}; correct it.")
    return numbers


def whole_numbers(array: np.ndarray, low: int, high: int, where: str) -> np.ndarray:
    """Converts numbers of a file to integers.

    Args:
        array: Finite numbers.
        low: Smallest number that is allowed.
        high: Largest one.
        where: What they are, for messages.

    Raises:
        DataError: If one is out of range or not whole.
    """
    wrong = array[(array < low) | (array > high) | (array != np.floor(array))]
    if wrong.size:
        raise DataError(
            f"{where} must be whole numbers from {low} to {high}, got {wrong.flat[0]:g}; correct the file."
        )
    found: np.ndarray = array.astype(np.int64)
    return found


def check_segments(segments: Iterable[Segment], num_frames: int, where: str) -> None:
    """Checks that segments end with their video or before.

    Args:
        segments: The segments.
        num_frames: Frames of the video.
        where: The file and the video, for messages.

    Raises:
        DataError: If one ends later.
    """
    for segment in segments:
        if segment.end > num_frames:
            raise DataError(
                f"{where}: the {segment.kind} '{shown(segment.label, 60)}' ends in frame {segment.end} of {num_frames}; "
                "correct the segment."
            )


def usable_boxes(boxes: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, dict[str, int]]:
    """Finds the boxes that are positions, and counts the others by what is wrong with them.

    Args:
        boxes: Corners in pixels.
        size: Height and width of the picture.

    Shapes: boxes ``[N, 4]`` -> bool ``[N]``.

    >>> usable_boxes(np.array([[0, 0, 2, 2], [0, 0, 0, 0], [9, 9, 12, 12]]), (8, 8))
    (array([ True, False, False]), {'empty boxes': 1, 'boxes outside the picture': 1})
    """
    x1, y1, x2, y2 = boxes.T
    full = (x1 < x2) & (y1 < y2)
    inside = (x1 < size[1]) & (y1 < size[0]) & (x2 > 0) & (y2 > 0)
    counts = {
        "empty boxes": int((~full).sum()),
        "boxes outside the picture": int((full & ~inside).sum()),
    }
    return full & inside, {reason: count for reason, count in counts.items() if count}
