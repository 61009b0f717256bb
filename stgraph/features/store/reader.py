"""Reads feature stores: one video is one contiguous slice of each array."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stgraph.errors import DataError, MissingDataError, UnknownVideoError
from stgraph.features.detections import Detections
from stgraph.features.store.records import ExtractorRecord, Header
from stgraph.features.store.schema import feature_path, level_of, shard_files
from stgraph.features.store.shard import Shard, same_headers
from stgraph.features.video_features import GridFeatures, VideoFeatures


class FeatureStore:
    """The videos of a store, by id.

    Nothing is opened before the first use, and each process opens the files for itself: a store can be pickled and
    passed to workers however they start.

    Args:
        path: A store's file, or its folder of shards.

    Raises:
        MissingDataError: Nothing there. StoreError: A damaged file, another format or a newer version.
        DataError: Shards that don't agree with each other.
    Reference: house design.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._close()

    @property
    def ids(self) -> tuple[str, ...]:
        """All ids in the order in which they were written."""
        self._shards()
        return tuple(self._place)

    @property
    def header(self) -> Header:
        """Extractor records, label names and dtype."""
        return self._shards()[0].header

    @property
    def extractors(self) -> dict[str, ExtractorRecord]:
        """What made each stream, by stream."""
        return dict(self.header.extractors)

    @property
    def label_names(self) -> tuple[str, ...]:
        """Name of each label."""
        return self.header.label_names

    @property
    def widths(self) -> dict[str, int]:
        """Width of each stream's features; 0 where the store has no row of it."""
        self._shards()
        return {stream: tail[-1] for stream, tail in self._tails.items()}

    def num_frames(self, video_id: str) -> int:
        """Number of sampled frames of a video."""
        shard, row = self._find(video_id)
        first, last = shard.pointers["frame"][row : row + 2]
        return int(last - first)

    def __len__(self) -> int:
        self._shards()
        return len(self._place)

    def __contains__(self, video_id: object) -> bool:
        self._shards()
        return video_id in self._place

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __getitem__(self, video_id: str) -> VideoFeatures:
        return self.read(video_id)

    def read(self, video_id: str, streams: Sequence[str] | None = None) -> VideoFeatures:
        """Reads a video, features as float32.

        Args:
            video_id: Its id.
            streams: Those to read; None reads all.

        Raises:
            UnknownVideoError: No such id; names the nearest. MissingDataError: The store lacks a stream.
        """
        shard, row = self._find(video_id)
        wanted = shard.header.extractors if streams is None else streams
        for stream in wanted:
            if stream not in shard.header.extractors:
                raise MissingDataError(
                    f"{self.path} has no stream '{stream}', only {', '.join(sorted(shard.header.extractors))}; extract "
                    "it, or leave it out."
                )
        return _Row(shard, row).read(wanted)

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.path = state["path"]
        self._close()

    def __repr__(self) -> str:
        return f"FeatureStore({str(self.path)!r})"

    def _close(self) -> None:
        self._opened: list[Shard] = []
        self._place: dict[str, tuple[int, int]] = {}
        self._tails: dict[str, tuple[int, ...]] = {}
        self._process = -1

    def _shards(self) -> list[Shard]:
        if self._process != os.getpid():  # an h5py handle must not be shared with a parent
            shards = [Shard(file) for file in shard_files(self.path)]
            same_headers({shard.path: shard.header for shard in shards})
            self._tails = {stream: _common_tail(stream, shards) for stream in shards[0].header.extractors}
            self._place = _places(shards)
            self._opened, self._process = shards, os.getpid()
        return self._opened

    def _find(self, video_id: str) -> tuple[Shard, int]:
        shards = self._shards()
        try:
            number, row = self._place[video_id]
        except KeyError:
            near = difflib.get_close_matches(str(video_id), self._place, n=1, cutoff=0.0)
            hint = f"; the nearest id is '{near[0]}'" if near else "; it is empty"
            raise UnknownVideoError(f"No video '{video_id}' among the {len(self)} of {self.path}{hint}.") from None
        return shards[number], row


class _Row:
    """One video of a shard."""

    def __init__(self, shard: Shard, row: int) -> None:
        self.shard, self.row = shard, row
        self.frames = self._span("frame")

    def read(self, streams: Sequence[str] | dict[str, ExtractorRecord]) -> VideoFeatures:
        arrays = self.shard.arrays
        size = (int(arrays["video/height"][self.row]), int(arrays["video/width"][self.row]))
        frame_index, time = self._take("frame/index", self.frames), self._take("frame/time", self.frames)
        clips = self._span("clip") if "motion" in streams else None
        return VideoFeatures(
            id=self.shard.ids[self.row],
            size=size,
            frame_index=frame_index,
            frame_time=time,
            fps=float(arrays["video/fps"][self.row]),
            file_frames=int(arrays["video/num_frames"][self.row]),
            appearance=self._take("frame/appearance", self.frames) if "appearance" in streams else None,
            motion=None if clips is None else self._take("clip/motion", clips),
            clip_start=None if clips is None else self._take("clip/start", clips),
            detections=self._detections(size, frame_index, time) if "object" in streams else None,
            grids={stream[5:]: self._grid(stream) for stream in streams if stream.startswith("grid/")},
        )

    def _detections(self, size: tuple[int, int], frame_index: Tensor, time: Tensor) -> Detections:
        pointer = self.shard.pointers["object"][self.frames.start : self.frames.stop + 1]
        objects = slice(int(pointer[0]), int(pointer[-1]))
        num_frames = len(pointer) - 1
        return Detections(
            boxes=self._take("object/box", objects),
            scores=self._take("object/score", objects),
            features=self._take("object/feature", objects),
            frame=torch.from_numpy(np.repeat(np.arange(num_frames), np.diff(pointer))),
            num_frames=num_frames,
            size=size,
            labels=self._take("object/label", objects),
            track=self._take("object/track", objects),
            frame_index=frame_index,
            time=None if math.isnan(float(time.sum())) else time,
        )

    def _grid(self, stream: str) -> GridFeatures:
        rows = self._span(stream)
        return GridFeatures(self._take(feature_path(stream), rows), self._take(f"{stream}/start", rows))

    def _span(self, level: str) -> slice:
        first, last = self.shard.pointers[level][self.row : self.row + 2]
        return slice(int(first), int(last))

    def _take(self, path: str, rows: slice) -> Tensor:
        # The copy leaves the map of the file read-only; torch widens float16 faster than numpy.
        values = torch.from_numpy(np.array(self.shard.arrays[path][rows]))
        return values.float() if values.is_floating_point() else values


def _places(shards: Sequence[Shard]) -> dict[str, tuple[int, int]]:
    places: dict[str, tuple[int, int]] = {}
    for number, shard in enumerate(shards):
        for row, video_id in enumerate(shard.ids):
            if video_id in places:
                first = shards[places[video_id][0]].path
                raise DataError(f"Video '{video_id}' is in {first} and in {shard.path}; write one of them anew.")
            places[video_id] = (number, row)
    return places


def _common_tail(stream: str, shards: Sequence[Shard]) -> tuple[int, ...]:
    path, level = feature_path(stream), level_of(stream)
    with_rows = {tuple(shard.arrays[path].shape[1:]): shard.path for shard in shards if shard.num_rows(level)}
    if len(with_rows) > 1:
        (one, first), (other, second) = list(with_rows.items())[:2]
        raise DataError(
            f"'{stream}' has rows of {list(one)} in {first} and of {list(other)} in {second}; extract all videos in the "
            "same way."
        )
    return next(iter(with_rows), tuple(shards[0].arrays[path].shape[1:]))
