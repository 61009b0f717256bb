"""Reads feature stores by video id."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stgraph.errors import DataError, MissingDataError, UnknownVideoError
from stgraph.features.store.provenance import ExtractorRecord, Header
from stgraph.features.store.schema import feature_path, shard_files
from stgraph.features.store.shard import Shard, common_tail, same_headers
from stgraph.features.store.stored_video import StoredVideo
from stgraph.features.video_features import VideoFeatures


@dataclass(frozen=True)
class _Opened:
    """What one process knows of a store: its files, where each video is, and the streams' widths."""

    process: int
    shards: list[Shard]
    places: dict[str, tuple[Shard, int]]
    widths: dict[str, int]


class FeatureStore:
    """The videos of a store, by id.

    Nothing is opened before the first use, and each process opens the files for itself: a store can be
    pickled and passed to workers however they start. Videos that are appended later are seen by stores
    opened later.

    Args:
        path: A store's file, or its folder of shards.

    Raises:
        MissingDataError: If there is no such store.
        StoreError: If a file is damaged, or of another format or a newer version.
        DataError: If shards contradict each other.
    Reference: house design.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._state: _Opened | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """All ids, in the order in which they were written."""
        return tuple(self._open().places)

    @property
    def header(self) -> Header:
        """Extractor records, label names and dtype."""
        return self._open().shards[0].header

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
        """Width of each stream's features."""
        return dict(self._open().widths)

    def num_frames(self, video_id: str) -> int:
        """Number of sampled frames of a video; reads no features."""
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
        """Reads a video, features as float32.

        Args:
            video_id: Its id.
            streams: Those to read, such as ``("motion",)``; None reads all.

        Raises:
            UnknownVideoError: If there is no such id; the message names the nearest one.
            MissingDataError: If the store lacks a stream.
        """
        video, have = self._find(video_id), self.header.extractors
        for stream in streams or ():
            if stream not in have:
                raise MissingDataError(
                    f"{self.path} has no stream '{stream}', only {', '.join(sorted(have))}; extract it, or "
                    "leave it out."
                )
        return video.read(have if streams is None else streams)

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "_state": None}

    def __repr__(self) -> str:
        return f"FeatureStore({str(self.path)!r})"

    def _open(self) -> _Opened:
        # A forked process must not read through a file handle that it shares with its parent.
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
            hint = f"; the nearest id is '{near[0]}'" if near else ""
            raise UnknownVideoError(f"No video '{video_id}' among the {len(places)} of {self.path}{hint}.")
        return StoredVideo(*places[video_id])


def _places(shards: Sequence[Shard]) -> dict[str, tuple[Shard, int]]:
    places: dict[str, tuple[Shard, int]] = {}
    for shard in shards:
        for row, video_id in enumerate(shard.ids):
            if video_id in places:
                first = places[video_id][0].path
                raise DataError(f"Video '{video_id}' is in {first} and in {shard.path}; write one anew.")
            places[video_id] = (shard, row)
    return places
