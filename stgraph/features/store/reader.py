"""Reads feature stores by video id."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stgraph.checking import checked
from stgraph.errors import DataError, MissingDataError, UnknownVideoError
from stgraph.features.store.provenance import ExtractorRecord, Header
from stgraph.features.store.schema import feature_path, shard_files
from stgraph.features.store.shard import Shard, common_tail, same_headers
from stgraph.features.store.stored_video import StoredVideo
from stgraph.features.video_features import VideoFeatures


@dataclass(frozen=True)
class _Opened:
    """A store as opened by one process: its files, the location of each video and the widths of the streams."""

    process: int
    shards: list[Shard]
    places: dict[str, tuple[Shard, int]]
    widths: dict[str, int]


@checked
class FeatureStore:
    """Reads the videos of a store by id.

    The files are opened on first use and by each process separately, so a store can be pickled and passed to workers
    with any start method. Videos that are appended after a store was opened are not visible in it.

    Args:
        path: The file of a store, or its folder of shards.

    Raises:
        MissingDataError: If the store does not exist (on first use, like the other errors).
        StoreError: If a file is damaged, or has another format or a newer version.
        DataError: If shards contradict each other.

    Reference: our own design.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._state: _Opened | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """All video ids, in the order in which they were written."""
        return tuple(self._open().places)

    @property
    def header(self) -> Header:
        """Extractor records, label names and dtype."""
        return self._open().shards[0].header

    @property
    def extractors(self) -> dict[str, ExtractorRecord]:
        """Record of the extractor of each stream."""
        return dict(self.header.extractors)

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the labels."""
        return self.header.label_names

    @property
    def widths(self) -> dict[str, int]:
        """Feature width of each stream."""
        return dict(self._open().widths)

    def num_frames(self, video_id: str) -> int:
        """Number of sampled frames of a video, without reading its features."""
        return self._find(video_id).num_frames

    def shards(self) -> list[Shard]:
        """The store's files, opened by this process."""
        return self._open().shards

    def __len__(self) -> int:
        return len(self._open().places)

    def __contains__(self, video_id: object) -> bool:
        return video_id in self._open().places

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __getitem__(self, video_id: str) -> VideoFeatures:
        return self.read(video_id)

    def read(self, video_id: str, streams: Sequence[str] | None = None) -> VideoFeatures:
        """Reads a video, with features as float32.

        Args:
            video_id: Id of the video.
            streams: Streams to read, such as ``("motion",)``; None reads all.

        Raises:
            UnknownVideoError: If the store has no such id; the message names the most similar one.
            MissingDataError: If the store lacks a stream.
        """
        video, have = self._find(video_id), self.header.extractors
        for stream in streams or ():
            if stream not in have:
                raise MissingDataError(
                    f"{self.path} has no stream '{stream}', only {', '.join(sorted(have))}; extract it or "
                    "don't request it."
                )
        return video.read(have if streams is None else streams)

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "_state": None}

    def __repr__(self) -> str:
        return f"FeatureStore({str(self.path)!r})"

    def _open(self) -> _Opened:
        # A forked process must not read through a file handle that its parent shares.
        if self._state is None or self._state.process != os.getpid():
            shards = [Shard(file) for file in shard_files(self.path)]
            streams = same_headers({shard.path: shard.header for shard in shards}).extractors
            columns = {column.path: column for column in shards[0].columns}
            widths = {stream: common_tail(columns[feature_path(stream)], shards)[-1] for stream in streams}
            self._state = _Opened(os.getpid(), shards, _places(shards), widths)
        return self._state

    def _find(self, video_id: str) -> StoredVideo:
        places = self._open().places
        if video_id not in places:
            near = difflib.get_close_matches(str(video_id), places, n=1, cutoff=0.0)
            hint = f"; the nearest id is '{near[0]}'" if near else "; 'store.ids' lists them"
            raise UnknownVideoError(f"No video '{video_id}' among the {len(places)} of {self.path}{hint}.")
        return StoredVideo(*places[video_id])


def _places(shards: Sequence[Shard]) -> dict[str, tuple[Shard, int]]:
    places: dict[str, tuple[Shard, int]] = {}
    for shard in shards:
        for row, video_id in enumerate(shard.ids):
            if video_id in places:
                first = places[video_id][0].path
                raise DataError(
                    f"Video '{video_id}' is in {first} and in {shard.path}; write one of them without it."
                )
            places[video_id] = (shard, row)
    return places
