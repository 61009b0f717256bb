"""Stored features -> batches of graphs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from torch import Tensor
from torch_geometric.data import Batch

from stgraph.errors import DataError
from stgraph.features.video_features import VideoFeatures
from stgraph.graph.builder import VideoGraphBuilder
from stgraph.graph.from_features import graphs_of, grid_names

if TYPE_CHECKING:
    from stgraph.features.store import FeatureStore

__all__ = ["GraphSource"]


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
