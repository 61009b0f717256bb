"""Text of MOTChallenge: one box a line, with its frame and identity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stgraph.errors import DataError, MissingDataError
from stgraph.features.adapters.file_boxes import FileBox, join_boxes, shortest, xywh_of
from stgraph.features.detections import Detections

__all__ = ["from_mot_text", "read_mot_text", "to_mot_text"]

COLUMNS = ("frame", "id", "x", "y", "w", "h", "conf", "class", "visibility")
FIRST_FRAME = 1  # the number that these files give to a video's first frame
UNKNOWN = -1


def from_mot_text(
    text: str,
    size: tuple[int, int],
    *,
    sampled: Sequence[int] | None = None,
    fps: float | None = None,
    features: Any = None,
) -> Detections:
    """Detections from lines ``frame, id, x, y, w, h, conf, class, visibility``, in any order.

    Frames count from 1 there and from 0 in ``sampled`` and ``frame_index``. x and y are left and top in pixels, taken as
    they are written. Lines may end after ``h``; commas or spaces divide them; blank ones are skipped. An id, conf or
    class of -1, or an empty one, is unknown: track -1, score 1, label -1. Visibility is not read. With 10 columns the
    last three are a place in the world, and the class is unknown.

    Args:
        text: The lines.
        size: Height and width in pixels.
        sampled: Numbers in the video's file, from 0, of all sampled frames; boxes in others are left out. None takes
            the frames that occur, and frames without boxes are then unknown to the graph.
        fps: Frames a second of the file, for ``time``.
        features: Appearance of the box of each line; None takes the box geometry.

    Shapes: features ``[lines, F]``.

    Raises:
        DataError: If a line is invalid, named by its number from 1; or ``sampled`` leaves no box.

    >>> from_mot_text("3,7,10,10,5,5,0.9", (24, 32), sampled=[0, 1, 2]).track
    tensor([7])
    """
    lines = enumerate(text.removeprefix("\ufeff").splitlines(), start=1)
    boxes = [_parse(number, line, size) for number, line in lines if line.strip()]
    return join_boxes(boxes, size, sampled, fps, features)


def read_mot_text(path: str | Path, size: tuple[int, int], **options: Any) -> Detections:
    """:func:`from_mot_text` of a file, with its options; errors name the file.

    Raises:
        MissingDataError: If the file does not exist.
        DataError: As there.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingDataError(f"No MOT text at {path}; give the file that holds the lines.")
    try:
        return from_mot_text(path.read_text(encoding="utf-8"), size, **options)
    except (DataError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: {error}") from error


def to_mot_text(detections: Detections) -> str:
    """Lines of 9 columns that :func:`from_mot_text` reads back; visibility is -1, features are not written.

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
        raise DataError(f"{where}: 'frame' must be at least {FIRST_FRAME}, got {frame:g}; they count from 1.")
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
            f"{where}: '{column}' must be a {'whole ' * whole}number, got {cell!r}; mend or drop the line."
        )
    return value
