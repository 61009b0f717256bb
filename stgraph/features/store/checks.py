"""Looks at each row of a store's file whose pointers are sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from stgraph.features.store.problem import Problem
from stgraph.features.store.provenance import Header
from stgraph.features.store.schema import columns
from stgraph.features.store.shard import rows_of_slice


def check_values(
    file: h5py.File, path: Path, header: Header, ids: list[str], pointers: dict[str, np.ndarray]
) -> list[Problem]:
    """Rows that cannot be right, told once a video and kind."""
    check = _RowCheck(file, path, ids, pointers)
    check.videos()
    check.order("frame", "frame/index", strictly=True)
    for level in pointers.keys() - {"frame", "object"}:
        check.order(level, "clip/start" if level == "clip" else f"{level}/start", strictly=False)
    for column in columns(header.extractors, header.dtype):
        if column.tail is None:
            check.finite(column.level, column.path)
    if "object" in pointers:
        check.finite("object", "object/score")
        check.finite("object", "object/box")
        check.boxes()
        check.labels(header.label_names)
    return check.problems


class _RowCheck:
    """One file's rows, and which video each belongs to."""

    def __init__(self, file: h5py.File, path: Path, ids: list[str], pointers: dict[str, np.ndarray]) -> None:
        self.file, self.path, self.ids = file, path, ids
        # Objects hang on frames; from here on all rows are seen as a video's.
        self.pointers = {
            level: pointer[pointers["frame"]] if level == "object" else pointer
            for level, pointer in pointers.items()
        }
        self.problems: list[Problem] = []

    def videos(self) -> None:
        """Picture sizes, frames a video, frame numbers within the file."""
        heights, widths, totals = (
            self.file[f"video/{name}"][:] for name in ("height", "width", "num_frames")
        )
        pointer, index = self.pointers["frame"], self.file["frame/index"][:]
        for owner in range(len(self.ids)):
            frames = index[pointer[owner] : pointer[owner + 1]]
            if heights[owner] < 1 or widths[owner] < 1:
                self._tell(
                    owner, f"height {heights[owner]} and width {widths[owner]} must both be at least 1"
                )
            if not len(frames):
                self._tell(owner, "it has no frames; a stored video has at least one")
            elif frames.min() < 0 or 0 < totals[owner] <= frames.max():
                wrong = frames.min() if frames.min() < 0 else frames.max()
                self._tell(owner, f"frame number {wrong} cannot be in a file of {totals[owner]} frames")

    def order(self, level: str, name: str, *, strictly: bool) -> None:
        """Numbers in the file that go back within a video."""
        values, pointer = self.file[name][:], self.pointers[level]
        falls = np.diff(values) <= 0 if strictly else np.diff(values) < 0
        begins = pointer[(pointer > 0) & (pointer < len(values))]
        falls[begins - 1] = False  # from one video to the next
        for owner, row, _ in self._by_video(level, np.flatnonzero(falls)):
            one, other = values[pointer[owner] + row : pointer[owner] + row + 2]
            self._tell(owner, f"'{name}' must increase, got {one} and then {other} in row {row}")

    def finite(self, level: str, name: str) -> None:
        """NaN and infinity."""
        bad = [np.zeros(0, np.int64)]
        for begin, piece in self._pieces(name):
            bad.append(begin + np.flatnonzero(~np.isfinite(piece).reshape(len(piece), -1).all(1)))
        for owner, row, count in self._by_video(level, np.concatenate(bad)):
            self._tell(owner, f"'{name}' has NaN or infinity in {_rows(row, count)}")

    def boxes(self) -> None:
        """Boxes turned inside out, or outside the picture."""
        boxes, pointer = self.file["object/box"][:], self.pointers["object"]
        size = np.stack([self.file["video/width"][:], self.file["video/height"][:]], axis=1)
        size = np.repeat(size, np.diff(pointer), axis=0)
        inverted = (boxes[:, 2:] <= boxes[:, :2]).any(1)
        outside = ~inverted & ((boxes[:, :2] >= size) | (boxes[:, 2:] <= 0)).any(1)
        for bad, rule in ((inverted, "have x1 < x2 and y1 < y2"), (outside, "touch the picture")):
            for owner, row, count in self._by_video("object", np.flatnonzero(bad)):
                box = boxes[pointer[owner] + row].tolist()
                self._tell(owner, f"'object/box' must {rule}, got {box} in {_rows(row, count)}")

    def labels(self, names: tuple[str, ...]) -> None:
        """Labels without a name."""
        labels = self.file["object/label"][:]
        if names:
            for owner, row, count in self._by_video(
                "object", np.flatnonzero((labels < -1) | (labels >= len(names)))
            ):
                wrong = labels[self.pointers["object"][owner] + row]
                self._tell(owner, f"label {wrong} is none of the {len(names)} names, in {_rows(row, count)}")

    def _pieces(self, name: str) -> Iterator[tuple[int, np.ndarray]]:
        array = self.file[name]
        step = rows_of_slice(array)
        for begin in range(0, len(array), step):
            yield begin, array[begin : begin + step]

    def _by_video(self, level: str, rows: np.ndarray) -> Iterator[tuple[int, int, int]]:
        """Video, first row within it, and number of rows, for each video that has some of ``rows``."""
        pointer = self.pointers[level]
        owners = np.searchsorted(pointer, rows, "right") - 1
        for owner, first, count in zip(
            *np.unique(owners, return_index=True, return_counts=True), strict=True
        ):
            yield int(owner), int(rows[first] - pointer[owner]), int(count)

    def _tell(self, owner: int, text: str) -> None:
        self.problems.append(Problem(self.ids[owner], f"{text} ({self.path.name})."))


def _rows(first: int, count: int) -> str:
    return f"row {first}" if count == 1 else f"row {first} and {count - 1} more"
