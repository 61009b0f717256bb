"""Text format of MOTChallenge: one box per line, with its frame and track id."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stgraph.checking import checked
from stgraph.errors import DataError, MissingDataError
from stgraph.features.adapters.file_boxes import FileBox, join_boxes, shortest, xywh_of
from stgraph.features.detections import Detections, Values
from stgraph.parsing import lines_of, read_text

__all__ = ["from_mot_text", "read_mot_text", "to_mot_text"]

COLUMNS = ("frame", "id", "x", "y", "w", "h", "conf", "class", "visibility")
FIRST_FRAME = 1  # number of a video's first frame in these files
UNKNOWN = -1


@checked
def from_mot_text(
    text: str,
    size: tuple[int, int],
    *,
    sampled: Sequence[int] | None = None,
    fps: float | None = None,
    features: Values | None = None,
) -> Detections:
    """Parses lines ``frame, id, x, y, w, h, conf, class, visibility``, in any order.

    Frames are numbered from 1 in the text and from 0 in ``sampled`` and ``frame_index``. x and y are left and top in
    pixels and are not shifted. Columns after ``h`` are optional; columns are separated by commas or spaces; blank lines
    are skipped. An id, conf or class of -1, or an empty one, is unknown: track -1, score 1, label -1. Visibility is
    ignored. With 10 columns the last three are world coordinates, and the class is unknown.

    Args:
        text: The lines.
        size: Height and width of the image in pixels.
        sampled: Frame numbers in the video file, from 0, of all sampled frames; boxes in other frames are skipped. None
            uses the frames that occur; the graph then has no frames without boxes.
        fps: Frames per second of the file, to compute ``time``.
        features: Appearance features of each line's box; None uses the box geometry.

    Returns:
        The detections of one video.

    Raises:
        DataError: If a line is invalid, or no box is in a sampled frame; lines are numbered from 1.

    Shapes: features ``[N, F]``, one row per line.

    >>> from_mot_text("3,7,10,10,5,5,0.9", (24, 32), sampled=[0, 1, 2]).track
    tensor([7])
    """
    lines = enumerate(lines_of(text.removeprefix("\ufeff")), start=1)
    boxes = [_parse(number, line, size) for number, line in lines if line.strip()]
    return join_boxes(boxes, size, sampled, fps, features)


@checked
def read_mot_text(path: str | Path, size: tuple[int, int], **options: Any) -> Detections:
    """Reads a MOTChallenge text file.

    Args:
        path: The file.
        size: Height and width of the image in pixels.
        options: Further arguments of :func:`from_mot_text`.

    Returns:
        The detections of one video.

    Raises:
        MissingDataError: If the file does not exist.
        DataError: As in :func:`from_mot_text`; the message names the file.
    """
    path = Path(path)
    if not os.path.lexists(path):
        raise MissingDataError(f"No MOT text at {path}; pass the file that contains the lines.")
    text = read_text(path)
    try:
        return from_mot_text(text, size, **options)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


@checked
def to_mot_text(detections: Detections) -> str:
    """Formats detections as lines of 9 columns that :func:`from_mot_text` can read.

    Visibility is -1. Features are not written.

    >>> to_mot_text(from_mot_text("3,7,10,10,5,5,0.9", (24, 32)))
    '3,7,10.0,10.0,5.0,5.0,0.9,-1,-1\\n'
    """
    numbers = detections.frame
    if detections.frame_index is not None:
        numbers = detections.frame_index[numbers]
    columns = zip(
        (numbers + FIRST_FRAME).tolist(),
        detections.track.tolist(),
        xywh_of(detections.boxes),
        detections.scores.tolist(),
        detections.labels.tolist(),
        strict=True,
    )
    return "".join(
        f"{frame},{track},{','.join(map(str, box))},{shortest(score)},{label},-1\n"
        for frame, track, box, score, label in columns
    )


def _parse(number: int, line: str, size: tuple[int, int]) -> FileBox:
    where = f"Line {number}"
    cells = [cell.strip() for cell in line.split(",")] if "," in line else line.split()
    if not 6 <= len(cells) <= 10:
        raise DataError(
            f"{where} must have 6 to 10 columns ({', '.join(COLUMNS)}), got {len(cells)}: {line.strip()[:80]!r}."
        )
    values = dict(zip(COLUMNS, cells, strict=False))
    if len(cells) == 10:
        del values["class"]
    frame = _number(where, values, "frame", whole=True)
    if frame < FIRST_FRAME:
        raise DataError(
            f"{where}: 'frame' must be at least {FIRST_FRAME}, got {frame:g}; frames are numbered from 1."
        )
    x, y, w, h = (_number(where, values, name) for name in ("x", "y", "w", "h"))
    score = _number(where, values, "conf", missing=UNKNOWN)
    return FileBox(
        where=where,
        frame=int(frame) - FIRST_FRAME,
        xywh=(x, y, w, h),
        size=size,
        score=1.0 if score == UNKNOWN else score,
        label=int(_number(where, values, "class", missing=UNKNOWN, whole=True)),
        track=int(_number(where, values, "id", missing=UNKNOWN, whole=True)),
    )


def _number(
    where: str, values: dict[str, str], column: str, missing: float | None = None, whole: bool = False
) -> float:
    cell = values.get(column, "")
    if not cell and missing is not None:
        return missing
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (whole and value != int(value)):
        raise DataError(
            f"{where}: '{column}' must be a {'whole ' * whole}number, got {cell!r}; fix or drop the line."
        )
    return value
