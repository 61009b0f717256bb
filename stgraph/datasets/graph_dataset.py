"""Graphs of stored or annotated videos as a PyG data set."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch_geometric.data import Dataset

from stgraph.checking import checked
from stgraph.datasets.tracks import TrackDataset
from stgraph.errors import DataError, OptionError
from stgraph.features.importers import read_detections_folder
from stgraph.features.importers.listing import files_of_videos
from stgraph.features.store import FeatureStore
from stgraph.features.video_features import VideoFeatures
from stgraph.graph.builder import VideoGraphBuilder
from stgraph.graph.from_features import graphs_of
from stgraph.graph.video_graph import VideoGraph
from stgraph.video.ids import find_files

__all__ = ["VideoGraphDataset"]


@checked
class VideoGraphDataset(Dataset):
    """The graph of each video of a store, of a folder of detections or of a track data set, built when it is read.

    Items are :class:`~stgraph.graph.VideoGraph` in the order of ``ids``. Files are opened in the process that reads them,
    so loaders may have forked or spawned workers. Nothing is written.

    Args:
        source: A feature store (a file or a folder of shards), a folder of ``ID.json`` and ``ID.npz`` as ``stgraph store
            import --layout detections`` reads it, or a :class:`~stgraph.datasets.tracks.TrackDataset`.
        builder: Builds the graphs; None is ``VideoGraphBuilder()``.
        num_frames: T, frames per video after sampling; None keeps all.
        grids: Names of grids to carry along.
        ids: Videos to use, in this order; None uses all.
        transform: Called with each graph at each access.
        pre_transform: Called with each graph before ``transform``, as nothing is cached on disk.

    Attributes:
        ids: Name of each video.
        label_names: Name of each class, by number.

    Raises:
        MissingDataError: If there is neither a store nor a folder of detections.
        DataError: If a file is damaged, or ``ids`` names a video that does not exist.
    """

    def __init__(
        self,
        source: str | Path | TrackDataset,
        builder: VideoGraphBuilder | None = None,
        num_frames: int | None = None,
        *,
        grids: Collection[str] = (),
        ids: Collection[str] | None = None,
        transform: Callable[[VideoGraph], Any] | None = None,
        pre_transform: Callable[[VideoGraph], Any] | None = None,
    ) -> None:
        self.source = source if isinstance(source, TrackDataset) else Path(source)
        self.builder = VideoGraphBuilder() if builder is None else builder
        self.num_frames, self.grids = num_frames, tuple(grids)
        self._store: FeatureStore | None = None
        self.label_names: tuple[str, ...]
        if isinstance(self.source, TrackDataset):
            known, self.label_names = self.source.ids, self.source.label_names
        elif not _is_detections(self.source):
            self._store = FeatureStore(self.source)
            known, self.label_names = self._store.ids, self._store.label_names
        else:
            known = tuple(sorted(files_of_videos(self.source, (".json",))))
            self.label_names = read_detections_folder(self.source)[1]
        self.ids = known if ids is None else tuple(ids)
        if missing := sorted(set(self.ids) - set(known)):
            raise DataError(
                f"{self.source} has no video '{missing[0]}'; it has {len(known)}, such as '{known[0]}'."
            )
        super().__init__(None, transform, pre_transform)

    def len(self) -> int:
        """Number of videos."""
        return len(self.ids)

    def get(self, idx: int) -> Any:
        """Reads a video and builds its graph, transformed by ``pre_transform``.

        Raises:
            OptionError: If there is no video of this number.
        """
        if not -len(self.ids) <= idx < len(self.ids):
            raise OptionError(f"'idx' must be the number of one of {len(self.ids)} videos, got {idx}.")
        graph = graphs_of([self._read(self.ids[idx])], self.builder, self.num_frames, grids=self.grids)[0]
        return graph if self.pre_transform is None else self.pre_transform(graph)

    def _read(self, video_id: str) -> VideoFeatures:
        if self._store is not None:
            return self._store[video_id]
        if isinstance(self.source, TrackDataset):
            return self.source[video_id].features()
        videos, names = read_detections_folder(self.source, [video_id])
        video = next(videos)
        detections = video.detections
        if detections is not None and names != self.label_names:  # numbers as if all files had been read
            number = {name: place for place, name in enumerate(self.label_names)}
            labels = detections.labels
            assert labels is not None, "filled on construction"
            labels = labels.new_tensor([number[names[label]] for label in labels.tolist()])
            video = replace(video, detections=replace(detections, labels=labels))
        return video


def _is_detections(source: Path) -> bool:
    """Whether a folder holds detections as JSON with npz rather than shards of a store."""
    return source.is_dir() and any(file.suffix.lower() == ".npz" for file in find_files(source))
