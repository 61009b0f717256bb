"""Converts videos to rows of a store's arrays and buffers these rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from stgraph.checking import warn_caller
from stgraph.errors import DataError
from stgraph.features.store.provenance import Header
from stgraph.features.store.schema import Column, columns, feature_path, levels
from stgraph.features.store.shard import SLICE_BYTES
from stgraph.features.streams import GRID
from stgraph.features.video_features import VideoFeatures
from stgraph.video.ids import check_id


def streams_of(video: VideoFeatures) -> set[str]:
    """Names of the streams of a video."""
    have = {"appearance": video.appearance, "motion": video.motion, "object": video.detections}
    return {name for name, value in have.items() if value is not None} | {GRID + name for name in video.grids}


def pack(video: VideoFeatures, header: Header) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Converts a video to rows of a store.

    Args:
        video: The video.
        header: Header of the store.

    Returns:
        Rows by array, and the number of rows of each parent by level.

    Raises:
        DataError: If streams differ from those of the header, detections are of another image size or other frames,
            labels have no name, or values are not finite or exceed the dtype.
    """
    _check(video, header)
    rows: dict[str, Any] = {
        "video/height": [video.size[0]],
        "video/width": [video.size[1]],
        "video/fps": [video.fps],
        "video/num_frames": [video.file_frames],
        "frame/index": video.frame_index,
        "frame/time": video.frame_time,
    }
    counts = {"frame": np.array([video.num_frames])}
    if video.motion is not None:
        rows |= {"clip/start": video.clip_start, "clip/motion": video.motion}
        counts["clip"] = np.array([len(video.motion)])
    if video.appearance is not None:
        rows["frame/appearance"] = video.appearance
    if (found := video.detections) is not None:
        if found.keypoints is not None or found.masks is not None:
            warn_caller(
                f"Video '{video.id}': a store keeps neither keypoints nor masks; they are not written."
            )
        rows |= {"object/box": found.boxes, "object/score": found.scores, "object/label": found.labels}
        rows |= {"object/track": found.track, "object/feature": found.features}
        counts["object"] = np.bincount(found.frame.numpy(), minlength=found.num_frames)
    for name, grid in video.grids.items():
        stream = GRID + name
        rows |= {f"{stream}/start": grid.start, feature_path(stream): grid.values}
        counts[stream] = np.array([len(grid.values)])
    packed = {column.path: _cast(rows[column.path], column, video.id) for column in columns_of(header)}
    return packed, counts


def columns_of(header: Header) -> list[Column]:
    """Lists the arrays of a store with this header."""
    return columns(header.extractors, header.dtype)


class RowBuffer:
    """Buffers rows of added videos until a shard is written.

    Rows are kept in memory and, beyond 64 MB per array, in unnamed temporary files, so that one large file can be
    written on a machine with little memory.

    Args:
        header: Header of the shard.
        folder: Folder of the temporary files.
        tails: Sizes of the axes after the row axis of features written before, by array; new features must agree.
    """

    def __init__(self, header: Header, folder: Path, tails: Mapping[str, tuple[int, ...]]) -> None:
        self.header, self.folder, self.tails = header, folder, dict(tails)
        self._tails_without_rows: dict[str, tuple[int, ...]] = {}
        self._files: dict[str, IO[bytes]] = {}
        self.clear()

    def clear(self) -> None:
        """Removes all rows and keeps the widths, which later videos must have too."""
        self.close()
        self.ids: list[str] = []
        self._counts: dict[str, list[np.ndarray]] = {level: [] for level in levels(self.header.extractors)}
        for column in columns_of(self.header):
            file = SpooledTemporaryFile(max_size=SLICE_BYTES, dir=str(self.folder))  # noqa: SIM115  (see close)
            self._files[column.path] = file

    def add(self, video: VideoFeatures) -> None:
        """Adds one video.

        Raises:
            DataError: As in :func:`pack`, or if features have another width than those of earlier videos; nothing is
                added then.
        """
        rows, counts = pack(video, self.header)
        for path, values in rows.items():
            known = self.tails.get(path, values.shape[1:])
            if len(values) and values.shape[1:] != known:
                raise DataError(
                    f"Video '{video.id}': '{path}' has rows of {list(values.shape[1:])}, earlier videos "
                    f"of {list(known)}; extract all videos in the same way."
                )
        for path, values in rows.items():
            (self.tails if len(values) else self._tails_without_rows).setdefault(path, values.shape[1:])
            self._files[path].write(values.tobytes())
        for level, count in counts.items():
            self._counts[level].append(count)
        self.ids.append(video.id)

    def counts(self, level: str) -> np.ndarray:
        """Number of rows of each parent."""
        return np.concatenate(self._counts[level]) if self.ids else np.zeros(0, np.int64)

    def num_rows(self, level: str) -> int:
        """Total number of rows."""
        return len(self.ids) if level == "video" else int(self.counts(level).sum())

    def tail(self, column: Column) -> tuple[int, ...]:
        """Sizes of the axes after the row axis."""
        if column.tail is not None:
            return column.tail
        nothing = (0, 0) if column.level.startswith(GRID) else (0,)
        return self.tails.get(column.path, self._tails_without_rows.get(column.path, nothing))

    def slices(self, column: Column) -> Iterator[np.ndarray]:
        """Yields all rows in slices that fit into memory."""
        file, tail = self._files[column.path], self.tail(column)
        row_bytes = np.dtype(column.dtype).itemsize * int(np.prod(tail))
        step = row_bytes * max(1, SLICE_BYTES // max(1, row_bytes))
        file.seek(0)
        while row_bytes and (block := file.read(step)):
            yield np.frombuffer(block, column.dtype).reshape(-1, *tail)

    def close(self) -> None:
        """Frees the memory and the temporary files."""
        for file in self._files.values():
            file.close()


def _check(video: VideoFeatures, header: Header) -> None:
    have, want = streams_of(video), set(header.extractors)
    if have != want:
        raise DataError(
            f"Video '{video.id}' has the streams {_list(have)}, the store has records of {_list(want)}; all "
            "videos of a store must have the same streams, and each stream an ExtractorRecord."
        )
    check_id(video.id)
    found = video.detections
    if found is None:
        return
    if found.size != tuple(video.size):
        raise DataError(
            f"Video '{video.id}' is of (height, width) {tuple(video.size)}, its detections of {found.size}; "
            "detect on frames of the video's own size."
        )
    if found.frame_index is not None and not found.frame_index.equal(video.frame_index.to(found.frame_index)):
        raise DataError(
            f"Video '{video.id}': 'frame_index' of the detections is {found.frame_index[:10].tolist()}, of "
            f"the video {video.frame_index[:10].tolist()}; sample both from the same frames."
        )
    labels, names = found.labels, header.label_names
    if names and labels is not None and len(labels) and int(labels.max()) >= len(names):
        raise DataError(
            f"Video '{video.id}' has label {int(labels.max())}, but there are {len(names)} label names; pass "
            "all names as 'label_names'."
        )


def _cast(values: Any, column: Column, video_id: str) -> np.ndarray:
    given = values.detach().cpu() if isinstance(values, Tensor) else torch.tensor(values, dtype=torch.float64)
    given = given.float() if given.dtype == torch.bfloat16 else given
    with np.errstate(over="ignore"):
        cast = np.ascontiguousarray(given.numpy(), dtype=column.dtype)
    if column.tail is not None or np.isfinite(cast).all():
        return cast
    row = int(np.argwhere(~np.isfinite(cast))[0, 0])
    if not torch.isfinite(given).all():
        raise DataError(
            f"Video '{video_id}': '{column.path}' has NaN or infinity in row {row} of the video; fix it."
        )
    raise DataError(
        f"Video '{video_id}': '{column.path}' holds {float(given[row].abs().max()):.3g} in row {row} of the "
        f"video, beyond {column.dtype}; scale the features or write the store with dtype='float32' ('stgraph "
        "extract' takes dtype=float32, 'stgraph store import' --dtype float32)."
    )


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names)) or "none"
