"""Graphs of videos by id, read from a feature store or held in memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from stgraph.checking import checked
from stgraph.datasets.by_video import ByVideo
from stgraph.errors import DataError
from stgraph.features.streams import GRID, grid_names
from stgraph.features.video_features import Sampling, VideoFeatures
from stgraph.graph import VideoGraph, VideoGraphBuilder, graphs_of
from stgraph.graph.batching import can_join, join_graphs

if TYPE_CHECKING:
    from stgraph.features.store import ExtractorRecord, FeatureStore

__all__ = ["GraphList", "GraphSource", "StoredGraphs"]


@checked
class GraphSource(ABC):
    """The graphs of a data set, by video id.

    Attributes:
        builder: Makes the graphs; None if they are ready-made.
        num_frames: Frames that are sampled from each video; None keeps all.
        sampling: Rule that samples them.
    """

    builder: VideoGraphBuilder | None
    num_frames: int | None
    sampling: Sampling = "spread"

    @property
    @abstractmethod
    def widths(self) -> dict[str, int]:
        """Feature width of each stream."""

    @property
    @abstractmethod
    def extractors(self) -> Mapping[str, ExtractorRecord]:
        """What made each stream; empty if unknown."""

    @abstractmethod
    def frames_of(self, video_id: str) -> int:
        """Number of frames of a video's graph."""

    @abstractmethod
    def batch(self, video_ids: Sequence[str]) -> Batch:
        """The graphs of these videos, in this order."""

    @abstractmethod
    def pooled_appearance(self, video_id: str) -> Tensor:
        """Mean of a video's frame features ``[Fa]``, the key of the nearest-neighbour baseline.

        Raises:
            DataError: If there are no frame features.
        """


@checked
class StoredGraphs(GraphSource):
    """Graphs built from the features of a store.

    Args:
        store: The features.
        builder: Makes the graphs.
        num_frames: Frames that are sampled from each video; None keeps all that were extracted.
        cache: Whether to keep the sampled features in memory, for stores that fit there.
        streams: Streams to read; grids among them travel with the graphs. None reads all streams but the grids.
        categories: Number of each video's category, which travels with its graph; videos left out get -1.
        sampling: Rule that samples frames and motion features; see :func:`~stgraph.graph.graphs_of`.
    """

    builder: VideoGraphBuilder

    def __init__(
        self,
        store: FeatureStore,
        builder: VideoGraphBuilder,
        num_frames: int | None = 10,
        *,
        cache: bool = False,
        streams: Collection[str] | None = None,
        categories: Mapping[str, int] | None = None,
        sampling: Sampling = "spread",
    ) -> None:
        self.store, self.builder, self.num_frames, self.sampling = store, builder, num_frames, sampling
        self.streams = None if streams is None else sorted(streams)
        self.categories = categories
        self._cache: dict[str, VideoFeatures] | None = {} if cache else None

    @property
    def widths(self) -> dict[str, int]:
        """Feature width of each stream of the store."""
        return self.store.widths

    @property
    def extractors(self) -> Mapping[str, ExtractorRecord]:
        """What made each stream, as the store records it."""
        return self.store.extractors

    def frames_of(self, video_id: str) -> int:
        """Number of sampled frames of a video; reads no features."""
        stored = self.store.num_frames(video_id)
        return stored if self.num_frames is None else min(self.num_frames, stored)

    def read_only(self, streams: Collection[str]) -> None:
        """Reads no other streams from now on; streams that the store lacks are left out."""
        self.streams = sorted(set(streams) & self.store.extractors.keys())
        if self._cache is not None:
            self._cache = {}

    def video(self, video_id: str) -> VideoFeatures:
        """The sampled features of one video."""
        if self._cache is not None and video_id in self._cache:
            return self._cache[video_id]
        video = self.store.read(video_id, self.streams).sample(self.num_frames, self.sampling)
        if self._cache is not None:
            self._cache[video_id] = video
        return video

    def batch(self, video_ids: Sequence[str]) -> Batch:
        """The graphs of these videos, in this order."""
        category = None
        if self.categories is not None:
            category = [self.categories.get(video_id, -1) for video_id in video_ids]
        return graphs_of(
            [self.video(video_id) for video_id in video_ids],
            self.builder,
            None,
            sampling=self.sampling,
            grids=grid_names(self.streams or ()),
            category=category,
        )

    def pooled_appearance(self, video_id: str) -> Tensor:
        """Mean of a video's sampled frame features ``[Fa]``.

        Raises:
            DataError: If the store has no frame features.
        """
        return _mean_appearance(video_id, self.video(video_id).appearance)


@checked
class GraphList(GraphSource):
    """Ready-made graphs, held in memory.

    A plain PyG ``Data`` is taken for the graph of a video of one frame unless it says otherwise by ``frame`` and
    ``num_frames``.

    Args:
        graphs: Graphs by video id, all with the same attributes.
        builder: The builder that made them, kept for files and detections that are captioned later.

    Raises:
        DataError: If there is no graph, something else than a graph, or graphs differ in their attributes or widths.
    """

    def __init__(self, graphs: Mapping[str, Data], builder: VideoGraphBuilder | None = None) -> None:
        self.builder, self.num_frames = builder, None
        if not graphs:
            raise DataError("A data set needs at least one graph, got none; give some.")
        self.graphs = ByVideo(
            "The data set", {name: _as_video_graph(name, graph) for name, graph in graphs.items()}
        )
        first_id, first = next(iter(self.graphs.items()))
        wanted = _layout(first)
        for video_id, graph in self.graphs.items():
            if _layout(graph) != wanted:
                raise DataError(
                    f"All graphs of a data set must have the same attributes and widths, got {wanted} for "
                    f"'{first_id}' and {_layout(graph)} for '{video_id}'."
                )
        self._plain = can_join(first)

    @property
    def widths(self) -> dict[str, int]:
        """Feature width of each stream that the graphs carry."""
        graph = next(iter(self.graphs.values()))
        names = {"x": "object", "appearance": "appearance", "motion": "motion"}
        names |= {key: key for key in graph.keys() if key.startswith(GRID)}  # noqa: SIM118
        return {stream: int(graph[key].size(-1)) for key, stream in names.items() if key in graph}

    @property
    def extractors(self) -> Mapping[str, ExtractorRecord]:
        """Nothing is known of what made ready-made graphs."""
        return {}

    def frames_of(self, video_id: str) -> int:
        """Number of frames of a video."""
        return int(self.graphs[video_id].num_frames)

    def batch(self, video_ids: Sequence[str]) -> Batch:
        """The graphs of these videos, in this order."""
        if not len(video_ids):
            raise DataError("'video_ids' must name at least one video, got none.")
        graphs = [self.graphs[video_id] for video_id in video_ids]
        return join_graphs(graphs) if self._plain else Batch.from_data_list(graphs)

    def pooled_appearance(self, video_id: str) -> Tensor:
        """Mean of a video's frame features ``[Fa]``.

        Raises:
            DataError: If the graphs carry no frame features.
        """
        return _mean_appearance(video_id, self.graphs[video_id].get("appearance"))


def _mean_appearance(video_id: str, appearance: Tensor | None) -> Tensor:
    if appearance is None:
        raise DataError(f"Video '{video_id}' has no 'appearance' features to average; extract them first.")
    return appearance.mean(0)


def _as_video_graph(video_id: str, graph: Any) -> VideoGraph:
    if not isinstance(graph, Data) or isinstance(graph, Batch):
        raise DataError(
            f"'{video_id}' must be one video's graph, a VideoGraph or a PyG Data, got {type(graph).__name__}."
        )
    if graph.get("x") is None or graph.get("edge_index") is None:
        raise DataError(f"The graph of '{video_id}' must have 'x' and 'edge_index', got {graph.keys()}.")
    values = graph.to_dict()
    if "frame" not in values:
        values["frame"] = torch.zeros(graph.x.size(0), dtype=torch.long)
    if "num_frames" not in values:
        values["num_frames"] = int(values["frame"].max()) + 1 if len(values["frame"]) else 1
    if "edge_weight" not in values:
        values["edge_weight"] = torch.ones(graph.edge_index.size(1))
    values["video_id"] = video_id
    return VideoGraph(**values)


def _layout(graph: VideoGraph) -> dict[str, tuple[int, ...] | None]:
    """Attribute names with the trailing sizes that a batch joins on."""
    return {
        key: tuple(value.shape[1:]) if isinstance(value, Tensor) and key != "edge_index" else None
        for key, value in sorted(graph.to_dict().items())
    }
