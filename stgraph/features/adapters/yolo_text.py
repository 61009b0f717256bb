"""YOLO text files, one per frame: class, then centre x, centre y, width and height as fractions of the image."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stgraph.errors import DataError, MissingDataError
from stgraph.features.adapters.file_boxes import FileBox, join_boxes
from stgraph.features.detections import Detections

__all__ = ["read_yolo_text"]

FIRST_FRAME = 1  # number of a video's first frame in Ultralytics' file names


def read_yolo_text(
    path: str | Path,
    size: tuple[int, int],
    *,
    name: str | None = None,
    sampled: Sequence[int] | None = None,
    fps: float | None = None,
) -> Detections:
    """Reads the files that Ultralytics writes with ``save_txt=True``.

    A line is ``class x y w h``, optionally followed by the confidence (``save_conf=True``) and the track. If lines have six
    numbers, the sixth is the track if it is an integer in all of them, otherwise the confidence. Frames are numbered
    from 1 in names such as ``cat_12.txt`` and from 0 in ``sampled`` and ``frame_index``; frames without objects have no
    file.

    Args:
        path: The folder of one video's files (``labels``), or a single file, which is then the only frame.
        size: Height and width of the image in pixels.
        name: Name of the video, if the folder has files of several videos.
        sampled: Frame numbers in the video file, from 0, of all sampled frames; boxes in other frames are skipped. None
            uses the frames that occur.
        fps: Frames per second of the file, to compute ``time``.

    Returns:
        The detections of one video.

    Raises:
        MissingDataError: If the path does not exist, or the folder has no such files.
        DataError: If a line is invalid or of segmentation or pose; the message names the file and the line.
    """
    path = Path(path)
    if path.is_file():
        files = {0: path}
    elif path.is_dir():
        files = _files(path, name)
    else:
        raise MissingDataError(
            f"No YOLO text at {path}; pass the folder that contains the files of one video."
        )
    lines = [
        (f"{file}, line {number}", frame, line)
        for frame, file in sorted(files.items())
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if line.strip()
    ]
    sixth = [cells[5] for *_, line in lines if len(cells := line.split()) == 6]
    is_track = all(cell.isdigit() for cell in sixth)
    boxes = [_parse(*line, size, is_track) for line in lines]
    return join_boxes(boxes, size, sorted(files) if sampled is None else sampled, fps)


def _files(folder: Path, name: str | None) -> dict[int, Path]:
    found: dict[str, dict[int, Path]] = {}
    for file in folder.glob("*.txt"):
        if match := re.fullmatch(r"(?:(.*)_)?(\d+)", file.stem):
            frame = int(match[2]) - FIRST_FRAME
            if frame < 0:
                raise DataError(
                    f"{file}: frames must be numbered from {FIRST_FRAME}, got {match[2]}; rename the files."
                )
            if frame in found.setdefault(match[1] or "", {}):
                raise DataError(
                    f"{file} and {found[match[1] or ''][frame]} are for the same frame; remove one of them."
                )
            found[match[1] or ""][frame] = file
    if name is None and len(found) > 1:
        raise DataError(
            f"{folder} has files of {len(found)} videos, {sorted(found)[:5]}; choose one with 'name'."
        )
    chosen = found.get(name, {}) if name is not None else next(iter(found.values()), {})
    if not chosen:
        wanted = "NAME_12.txt" if name is None else f"{name}_12.txt"
        raise MissingDataError(f"No files such as {wanted} in {folder}; pass the folder of the labels.")
    return chosen


def _parse(where: str, frame: int, line: str, size: tuple[int, int], sixth_is_track: bool) -> FileBox:
    cells = line.split()
    if not 5 <= len(cells) <= 7:
        raise DataError(
            f"{where} must have 5 to 7 columns (class x y w h [conf] [id]), got {len(cells)}; lines of segmentation and "
            "pose are not read, use Detections.from_ultralytics for them."
        )
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        numbers = [math.nan]
    if not all(map(math.isfinite, numbers)) or numbers[0] != int(numbers[0]):
        raise DataError(
            f"{where} must be numbers, the class an integer, got {line.strip()[:80]!r}; fix or drop it."
        )
    label, x, y, w, h = numbers[:5]
    if max(w, h) > 1.5 or max(abs(x), abs(y)) > 1.5:
        raise DataError(
            f"{where} must contain fractions of the image, got {line.strip()[:80]!r}; divide pixels by its width and height."
        )
    extra: list[Any] = numbers[5:]
    is_track = len(extra) == 1 and sixth_is_track
    score, track = (1.0, extra[0]) if is_track else (*extra, *(1.0, -1)[len(extra) :])
    if track != int(track):
        raise DataError(f"{where}: the track must be an integer, got {cells[-1]!r}; fix or drop the line.")
    height, width = size
    return FileBox(
        where=where,
        frame=frame,
        xywh=((x - w / 2) * width, (y - h / 2) * height, w * width, h * height),
        size=size,
        score=score,
        label=int(label),
        track=int(track),
    )
