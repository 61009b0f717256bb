"""Reads one video of a shard: a contiguous slice of each array."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from stgraph.features.detections import Detections
from stgraph.features.store.schema import feature_path
from stgraph.features.store.shard import Shard
from stgraph.features.streams import GRID
from stgraph.features.video_features import GridFeatures, VideoFeatures


class StoredVideo:
    """Location of a video in a shard.

    Args:
        shard: The file.
        row: Position of the video in the file.
    """

    def __init__(self, shard: Shard, row: int) -> None:
        self.shard, self.row = shard, row
        self._frames = self._span("frame")

    @property
    def num_frames(self) -> int:
        """Number of sampled frames."""
        return self._frames.stop - self._frames.start

    def read(self, streams: Iterable[str]) -> VideoFeatures:
        """Reads the given streams, which the shard must have."""
        arrays, streams = self.shard.arrays, set(streams)
        size = (int(arrays["video/height"][self.row]), int(arrays["video/width"][self.row]))
        frame_index = self._take("frame/index", self._frames)
        frame_time = self._take("frame/time", self._frames)
        clips = self._span("clip") if "motion" in streams else None
        return VideoFeatures(
            id=self.shard.ids[self.row],
            size=size,
            frame_index=frame_index,
            frame_time=frame_time,
            fps=float(arrays["video/fps"][self.row]),
            file_frames=int(arrays["video/num_frames"][self.row]),
            appearance=self._take("frame/appearance", self._frames) if "appearance" in streams else None,
            motion=None if clips is None else self._take("clip/motion", clips),
            clip_start=None if clips is None else self._take("clip/start", clips),
            detections=self._detections(size, frame_index, frame_time) if "object" in streams else None,
            grids={
                stream.removeprefix(GRID): self._grid(stream)
                for stream in sorted(streams)
                if stream.startswith(GRID)
            },
        )

    def _detections(self, size: tuple[int, int], frame_index: Tensor, frame_time: Tensor) -> Detections:
        pointer = self.shard.pointers["object"][self._frames.start : self._frames.stop + 1]
        objects = slice(int(pointer[0]), int(pointer[-1]))
        return Detections(
            boxes=self._take("object/box", objects),
            scores=self._take("object/score", objects),
            features=self._take("object/feature", objects),
            frame=torch.from_numpy(np.repeat(np.arange(self.num_frames), np.diff(pointer))),
            num_frames=self.num_frames,
            size=size,
            labels=self._take("object/label", objects),
            track=self._take("object/track", objects),
            frame_index=frame_index,
            time=None if bool(frame_time.isnan().any()) else frame_time,
        )

    def _grid(self, stream: str) -> GridFeatures:
        rows = self._span(stream)
        return GridFeatures(self._take(feature_path(stream), rows), self._take(f"{stream}/start", rows))

    def _span(self, level: str) -> slice:
        first, last = self.shard.pointers[level][self.row : self.row + 2]
        return slice(int(first), int(last))

    def _take(self, path: str, rows: slice) -> Tensor:
        # torch converts float16 several times faster than numpy.
        values = torch.from_numpy(self.shard.arrays[path][rows])
        return values.float() if values.is_floating_point() else values
