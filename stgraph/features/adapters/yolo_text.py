"""YOLO text files, one per frame: class, then centre x, centre y, width and height as fractions of the image."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stgraph.checking import checked
from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.features.adapters.file_boxes import FileBox, join_boxes
from stgraph.features.detections import Detections
from stgraph.parsing import lines_of, read_text
from stgraph.regular_files import check_regular
from stgraph.video.ids import is_hidden

__all__ = ["read_yolo_text"]

FIRST_FRAME = 1  # number of a video's first frame in Ultralytics' file names
EXTRA = ((), ("conf",), ("track",), ("conf", "track"))
Line = tuple[str, int, str]  # location, frame, text


@checked
def read_yolo_text(
    path: str | Path,
    size: tuple[int, int],
    *,
    name: str | None = None,
    keypoints: tuple[int, int] | None = None,
    segments: bool = False,
    masks: bool = False,
    extra: Sequence[str] | None = None,
    sampled: Sequence[int] | None = None,
    fps: float | None = None,
) -> Detections:
    """Reads the files that Ultralytics writes with ``save_txt=True``.

    A line is ``class x y w h``, for poses followed by the keypoints, or the class and a polygon ``x1 y1 x2 y2 ...`` for
    segmentation; then optionally the confidence (``save_conf=True``) and the track. A single one of these is the track if it
    is an integer in all lines, otherwise the confidence. Frames are numbered from 1 in names such as ``cat_12.txt`` and
    from 0 in ``sampled`` and ``frame_index``; frames without objects have no file.

    Args:
        path: The folder of one video's files (``labels``), or a single file, which is then the only frame.
        size: Height and width of the image in pixels.
        name: Name of the video, if the folder has files of several videos.
        keypoints: Number of keypoints and of values per keypoint (2, or 3 with confidence), such as ``(17, 3)``: the
            ``kpt_shape`` of a pose model. None if the lines have none.
        segments: Whether lines contain polygons instead of boxes; the box is then that around the polygon.
        masks: Whether to fill the polygons and keep them as masks.
        extra: Names of the last columns, of ``"conf"`` and ``"track"``; None infers them. Polygons followed by both
            need it, as their length does not tell.
        sampled: Frame numbers in the video file, from 0, of all sampled frames; boxes in other frames are skipped. None
            uses the frames that occur.
        fps: Frames per second of the file, to compute ``time``.

    Returns:
        The detections of one video.

    Raises:
        MissingDataError: If the path does not exist, or the folder has no such files.
        DataError: If a line is invalid or of another kind; the message names the file and the line.
        OptionError: If ``keypoints``, ``segments``, ``masks`` and ``extra`` do not fit together.
    """
    path = Path(path)
    if path.is_file():
        files = {0: path}
    elif path.is_dir():
        files = _files(path, name)
    else:
        if os.path.lexists(path):
            check_regular(path)
        raise MissingDataError(
            f"No YOLO text at {path}; pass the folder that contains the files of one video."
        )
    lines = [
        (f"{file}, line {number}", frame, line)
        for frame, file in sorted(files.items())
        for number, line in enumerate(lines_of(read_text(file)), start=1)
        if line.strip()
    ]
    layout = _Layout(size, keypoints, segments, masks, None if extra is None else tuple(extra))
    boxes = layout.parse(lines)
    return join_boxes(boxes, size, sorted(files) if sampled is None else sampled, fps)


def _files(folder: Path, name: str | None) -> dict[int, Path]:
    found: dict[str, dict[int, Path]] = {}
    for file in sorted(folder.glob("*.txt")):
        if is_hidden(Path(file.name)):
            continue
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


@dataclass(frozen=True)
class _Layout:
    """The columns of a file's lines: class, shape, extra columns."""

    size: tuple[int, int]
    keypoints: tuple[int, int] | None
    segments: bool
    masks: bool
    extra: tuple[str, ...] | None

    def __post_init__(self) -> None:
        if self.extra is not None and self.extra not in EXTRA:
            raise OptionError(
                f"'extra' must be one of {', '.join(map(str, EXTRA))} or None, got {self.extra}."
            )
        if self.keypoints is not None and (self.segments or self.keypoints[1] not in (2, 3)):
            raise OptionError(
                f"'keypoints' must be (number, 2 or 3) and excludes 'segments', got {self.keypoints}; give the 'kpt_shape' "
                "of the pose model."
            )
        if self.masks and not self.segments:
            raise OptionError(
                "'masks' must be false without 'segments', got true: files without polygons have no masks."
            )

    @property
    def shape(self) -> int:
        """Number of columns of the class, box and keypoints."""
        return 5 + (0 if self.keypoints is None else self.keypoints[0] * self.keypoints[1])

    def parse(self, lines: Sequence[Line]) -> list[FileBox]:
        """Parses the lines of all frames."""
        cells = [(where, frame, text.split()) for where, frame, text in lines]
        for where, _, found in cells:
            self._check_length(where, len(found))
        one = [found[-1] for *_, found in cells if self.extra is None and self._num_extra(len(found)) == 1]
        single = ("track",) if all(cell.isdigit() for cell in one) else ("conf",)
        if self.segments and self.extra is None and cells:
            self._check_polygons(cells)
        return [self._box(where, frame, found, single) for where, frame, found in cells]

    def _num_extra(self, columns: int) -> int:
        if self.extra is not None:
            return len(self.extra)
        return (columns - 1) % 2 if self.segments else columns - self.shape

    def _check_length(self, where: str, columns: int) -> None:
        if self.segments:
            points = columns - 1 - self._num_extra(columns)
            if points < 6 or points % 2:
                raise DataError(
                    f"{where} must be a class, a polygon of at least three points and the extra columns, got {columns} "
                    "columns; 'extra' names the last ones, and files of boxes are read without 'segments'."
                )
            return
        extra = columns - self.shape
        if (extra not in (0, 1, 2)) if self.extra is None else (extra != len(self.extra)):
            most = self.shape + 2 if self.extra is None else self.shape + len(self.extra)
            least = self.shape if self.extra is None else most
            raise DataError(
                f"{where} must have {least if least == most else f'{least} to {most}'} columns (class x y w h, keypoints, "
                f"[conf] [id]), got {columns}; lines of poses need 'keypoints', those of segmentation 'segments'."
            )

    def _check_polygons(self, cells: Sequence[tuple[str, int, list[str]]]) -> None:
        """Raises if all lines seem to end with a confidence and a track, which would be read as a point."""
        if all(
            self._num_extra(len(found)) == 0 and found[-1].isdigit() and found[-1] != "0"
            for *_, found in cells
        ):
            raise DataError(
                f"{cells[0][0]}: the last column is an integer in all lines, so it may be a track after a confidence; "
                "pass extra=('conf', 'track'), or extra=() if it is a coordinate."
            )

    def _box(self, where: str, frame: int, cells: list[str], single: tuple[str, ...]) -> FileBox:
        numbers = _numbers(where, cells)
        count = self._num_extra(len(cells))
        names = self.extra if self.extra is not None else ((), single, ("conf", "track"))[count]
        last = dict(zip(names, numbers[len(numbers) - count :], strict=True))
        shape = numbers[1 : len(numbers) - count]
        track = last.get("track", -1)
        if track != int(track):
            raise DataError(
                f"{where}: the track must be an integer, got {cells[-1]!r}; fix or drop the line."
            )
        height, width = self.size
        points = shape if self.segments else shape[:4]
        if max(map(abs, points)) > 1.5:
            raise DataError(
                f"{where} must contain fractions of the image, got {' '.join(cells)[:80]!r}; divide pixels by its width and "
                "height."
            )
        keypoints, mask = None, None
        if self.segments:
            xs, ys = [x * width for x in shape[::2]], [y * height for y in shape[1::2]]
            xywh = (min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
            if self.masks:
                from stgraph.features.adapters.mask_codes import decode_mask

                polygon = [value for point in zip(xs, ys, strict=True) for value in point]
                mask = decode_mask([polygon], self.size, where)
        else:
            x, y, w, h = shape[:4]
            xywh = ((x - w / 2) * width, (y - h / 2) * height, w * width, h * height)
        if self.keypoints is not None:
            step = self.keypoints[1]
            each = [shape[start : start + step] for start in range(4, len(shape), step)]
            keypoints = [[x * width, y * height, *(rest or [1.0])] for x, y, *rest in each]
        return FileBox(
            where=where,
            frame=frame,
            xywh=xywh,
            size=self.size,
            score=last.get("conf", 1.0),
            label=int(numbers[0]),
            track=int(track),
            keypoints=keypoints,
            mask=mask,
        )


def _numbers(where: str, cells: Sequence[str]) -> list[float]:
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        numbers = [math.nan]
    if not all(map(math.isfinite, numbers)) or numbers[0] != int(numbers[0]):
        raise DataError(
            f"{where} must be numbers, the class an integer, got {' '.join(cells)[:80]!r}; fix or drop it."
        )
    return numbers
