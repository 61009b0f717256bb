"""Checks of JSON layouts, and of boxes that annotators left empty."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stgraph.errors import DataError, shown

__all__ = ["Entry", "Pair", "Run", "checked", "usable_boxes"]


class Entry(BaseModel):
    """An object of a JSON layout; keys that the layout does not name are ignored, as releases add some."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, populate_by_name=True)


Pair = Annotated[tuple[str, str], Field(strict=False)]
"""Two names; JSON has lists only."""
Run = Annotated[tuple[str, int], Field(strict=False)]
"""A name and the number of frames that it lasts."""
Layout = TypeVar("Layout", bound=Entry)


def checked(layout: type[Layout], content: Any, path: Path) -> Layout:
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
