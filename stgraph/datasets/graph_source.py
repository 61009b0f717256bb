"""Stored features -> batches of graphs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch_geometric.data import Batch

from stgraph.errors import DataError
from stgraph.features.detections import Detections
from stgraph.features.video_features import VideoFeatures
from stgraph.graph.builder import VideoGraphBuilder

if TYPE_CHECKING:
    from stgraph.features.store import FeatureStore

__all__ = ["GraphSource", "graphs_of", "grid_names"]

GRID = "grid/"


def graphs_of(
    videos: Sequence[VideoFeatures],
    builder: VideoGraphBuilder,
    num_frames: int | None = 10,
    *,
    grids: Collection[str] = (),
    category: Sequence[int] | None = None,
) -> Batch:
    """Samples each video to ``num_frames`` and builds one batch; a video without detections has no nodes.

    The motion row of a frame is that of the last clip that starts at or before it (DESIGN: min(n // 16, C - 1)), and
    so is a grid's.

    Args:
        videos, builder, num_frames: What is sampled and built.
        grids: Names of grids to carry along.
        category: Number of each video's category, -1 unknown.

    Raises: DataError: A video lacks a grid; names both.
    """
    sampled = [video.sample(num_frames) for video in videos]
    return builder.build_batch(
        [_detections(video) for video in sampled],
        appearance=_all_or_none([video.appearance for video in sampled]),
        motion=_all_or_none([video.motion_of_frames() for video in sampled]),
        video_id=[video.id for video in sampled],
        grids={name: [_grid(video, name) for video in sampled] for name in grids},
        category=category,
    )


def grid_names(streams: Collection[str]) -> list[str]:
    """The names of the grids among streams of a store.

    >>> grid_names(["appearance", "grid/i3d"])
    ['i3d']
    """
    return [stream.removeprefix(GRID) for stream in streams if stream.startswith(GRID)]


class GraphSource:
    """Reads videos of a store by id and gives batches of their graphs.

    Args:
        store: Where the features are.
        builder: How graphs are made; its cut of boxes happens once where ``cache`` is set.
        num_frames: T, frames a video after sampling; None keeps all that were extracted.
        cache: Keep the sampled, cut features in memory: for stores that fit there.
        streams: Those to read; grids among them travel with the graphs. None is all, without the grids.
        categories: Number of each video's category, which then travels with its graph; -1 for videos that it lacks.
    """

    def __init__(
        self,
        store: FeatureStore,
        builder: VideoGraphBuilder,
        num_frames: int | None = 10,
        *,
        cache: bool = False,
        streams: Collection[str] | None = None,
        categories: Mapping[str, int] | None = None,
    ) -> None:
        self.streams = None if streams is None else sorted(streams)
        self.categories = categories
        self.store, self.builder, self.num_frames = store, builder, num_frames
        self._cache: dict[str, VideoFeatures] | None = {} if cache else None

    def video(self, video_id: str) -> VideoFeatures:
        """The sampled features of one video."""
        if self._cache is not None and video_id in self._cache:
            return self._cache[video_id]
        video = self.store.read(video_id, self.streams).sample(self.num_frames)
        if self._cache is not None:
            self._cache[video_id] = video
        return video

    def batch(self, video_ids: Sequence[str]) -> Batch:
        """The graphs of these videos, in this order."""
        return graphs_of(
            [self.video(video_id) for video_id in video_ids],
            self.builder,
            None,
            grids=grid_names(self.streams or ()),
            category=None
            if self.categories is None
            else [self.categories.get(video_id, -1) for video_id in video_ids],
        )

    def pooled_appearance(self, video_id: str) -> Tensor:
        """Mean of the sampled frames' features ``[Fa]``: the key of the nearest-neighbour baseline.

        Raises: DataError: The store has no frame features.
        """
        appearance = self.video(video_id).appearance
        if appearance is None:
            raise DataError(
                f"Video '{video_id}' has no 'appearance' features to average; extract them first."
            )
        return appearance.mean(0)


def _detections(video: VideoFeatures) -> Detections:
    if video.detections is not None:
        return video.detections
    empty = torch.zeros(0)
    return Detections(
        boxes=empty.reshape(0, 4),
        scores=empty,
        features=empty.reshape(0, 1),
        frame=empty.long(),
        num_frames=video.num_frames,
        size=video.size,
        time=video.frame_time,
    )


def _grid(video: VideoFeatures, name: str) -> Tensor:
    grid = video.grid_of_frames(name)
    if grid is None:
        raise DataError(f"Video '{video.id}' has no grid '{name}'; extract it first.")
    return grid


def _all_or_none(streams: list[Tensor | None]) -> list[Tensor] | None:
    present = [stream for stream in streams if stream is not None]
    return present if len(present) == len(streams) else None
