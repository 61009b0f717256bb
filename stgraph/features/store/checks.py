"""Checks the values in a store's file; its pointers must be valid."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stgraph.errors import DataError
from stgraph.features.store.problem import Problem
from stgraph.features.store.shard import Shard, rows_of_slice
from stgraph.video.ids import check_id


def check_values(shard: Shard) -> list[Problem]:
    """Lists invalid values, at most one problem per video and kind."""
    check = _ValueCheck(shard)
    check.all_ids()
    check.videos()
    check.times()
    check.order("frame", "frame/index", strictly=True)
    for level in shard.pointers.keys() - {"frame", "object"}:
        check.order(level, "clip/start" if level == "clip" else f"{level}/start", strictly=False)
    for column in shard.columns:
        if column.tail is None:
            check.finite(column.level, column.path)
    if "object" in shard.pointers:
        check.finite("object", "object/score")
        check.finite("object", "object/box")
        check.boxes()
        check.labels(shard.header.label_names)
    return check.problems


class _ValueCheck:
    """Checks the arrays of one file and assigns each problem to a video."""

    def __init__(self, shard: Shard) -> None:
        self.file, self.path, self.ids = shard.arrays, shard.path, shard.ids
        # Object pointers are per frame; here all pointers are per video.
        self.pointers = {
            level: pointer[shard.pointers["frame"]] if level == "object" else pointer
            for level, pointer in shard.pointers.items()
        }
        self.problems: list[Problem] = []

    def all_ids(self) -> None:
        """Checks the rule for ids."""
        for owner, name in enumerate(self.ids):
            try:
                check_id(name)
            except DataError as error:
                self._report(owner, str(error).rstrip("."))

    def times(self) -> None:
        """Checks frame rates and times, which are NaN where they are unknown."""
        for owner, rate in enumerate(self.file["video/fps"][:]):
            if not (np.isnan(rate) or 0 < rate < np.inf):
                self._report(owner, f"'video/fps' must be positive, or NaN if unknown, got {rate}")
        infinite = np.flatnonzero(np.isinf(self.file["frame/time"][:]))
        for owner, row, count in self._by_video("frame", infinite):
            self._report(owner, f"'frame/time' is infinite in {_rows(row, count)}")

    def videos(self) -> None:
        """Checks the image size, that a video has frames, and that their numbers are within the file."""
        heights, widths, totals = (
            self.file[f"video/{name}"][:] for name in ("height", "width", "num_frames")
        )
        pointer, index = self.pointers["frame"], self.file["frame/index"][:]
        for owner in range(len(self.ids)):
            frames = index[pointer[owner] : pointer[owner + 1]]
            if heights[owner] < 1 or widths[owner] < 1:
                self._report(
                    owner, f"height {heights[owner]} and width {widths[owner]} must both be at least 1"
                )
            if not len(frames):
                self._report(owner, "it has no frames; a stored video has at least one")
            elif frames.min() < 0 or 0 < totals[owner] <= frames.max():
                wrong = frames.min() if frames.min() < 0 else frames.max()
                self._report(owner, f"frame number {wrong} cannot be in a file of {totals[owner]} frames")

    def order(self, level: str, name: str, *, strictly: bool) -> None:
        """Checks that frame numbers increase within each video."""
        values, pointer = self.file[name][:], self.pointers[level]
        falls = np.diff(values) <= 0 if strictly else np.diff(values) < 0
        begins = pointer[(pointer > 0) & (pointer < len(values))]
        falls[begins - 1] = False  # the next video starts over
        for owner, row, _ in self._by_video(level, np.flatnonzero(falls)):
            one, other = values[pointer[owner] + row : pointer[owner] + row + 2]
            self._report(owner, f"'{name}' must increase, got {one} and then {other} in row {row}")

    def finite(self, level: str, name: str) -> None:
        """Checks for NaN and infinity."""
        bad = [np.zeros(0, np.int64)]
        for begin, piece in self._pieces(name):
            bad.append(begin + np.flatnonzero(~np.isfinite(piece).reshape(len(piece), -1).all(1)))
        for owner, row, count in self._by_video(level, np.concatenate(bad)):
            self._report(owner, f"'{name}' has NaN or infinity in {_rows(row, count)}")

    def boxes(self) -> None:
        """Checks for boxes with x1 >= x2 or y1 >= y2, and boxes outside the image."""
        boxes, pointer = self.file["object/box"][:], self.pointers["object"]
        size = np.stack([self.file["video/width"][:], self.file["video/height"][:]], axis=1)
        size = np.repeat(size, np.diff(pointer), axis=0)
        inverted = (boxes[:, 2:] <= boxes[:, :2]).any(1)
        outside = ~inverted & ((boxes[:, :2] >= size) | (boxes[:, 2:] <= 0)).any(1)
        for bad, rule in ((inverted, "have x1 < x2 and y1 < y2"), (outside, "overlap the image")):
            for owner, row, count in self._by_video("object", np.flatnonzero(bad)):
                box = boxes[pointer[owner] + row].tolist()
                self._report(owner, f"'object/box' must {rule}, got {box} in {_rows(row, count)}")

    def labels(self, names: tuple[str, ...]) -> None:
        """Checks that each label has a name."""
        labels = self.file["object/label"][:]
        if names:
            for owner, row, count in self._by_video(
                "object", np.flatnonzero((labels < -1) | (labels >= len(names)))
            ):
                wrong = labels[self.pointers["object"][owner] + row]
                self._report(
                    owner, f"label {wrong} is not among the {len(names)} label names, in {_rows(row, count)}"
                )

    def _pieces(self, name: str) -> Iterator[tuple[int, np.ndarray]]:
        array = self.file[name]
        step = rows_of_slice(array)
        for begin in range(0, len(array), step):
            yield begin, array[begin : begin + step]

    def _by_video(self, level: str, rows: np.ndarray) -> Iterator[tuple[int, int, int]]:
        """Yields the video, the first row within it and the number of rows, for each video that has some of ``rows``."""
        pointer = self.pointers[level]
        owners = np.searchsorted(pointer, rows, "right") - 1
        for owner, first, count in zip(
            *np.unique(owners, return_index=True, return_counts=True), strict=True
        ):
            yield int(owner), int(rows[first] - pointer[owner]), int(count)

    def _report(self, owner: int, text: str) -> None:
        self.problems.append(Problem(self.ids[owner], f"{text} ({self.path.name})."))


def _rows(first: int, count: int) -> str:
    return f"row {first}" if count == 1 else f"row {first} and {count - 1} more"
