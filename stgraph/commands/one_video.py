"""The video that ``stgraph graph`` and ``stgraph inspect`` show: its features, its graph and its frames."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from omegaconf import DictConfig

from stgraph.commands.console.output import say
from stgraph.commands.figure_inputs import TrainedRun, read_frames
from stgraph.commands.video_arguments import kind_of_source, split_video_arguments
from stgraph.datasets.corpus.captions import SPLITS
from stgraph.errors import DataError, MissingDataError, OptionError, shown
from stgraph.extraction import (
    ExtractionPlan,
    ExtractorChoice,
    Failure,
    FrameRule,
    VideoSource,
    extract_videos,
)
from stgraph.features.store import FeatureStore
from stgraph.features.video_features import Sampling, VideoFeatures
from stgraph.graph import VideoGraph, VideoGraphBuilder, graphs_of
from stgraph.settings.compose import plain
from stgraph.settings.training import graph_config
from stgraph.training.devices import device_of

__all__ = ["OneVideo", "open_video"]


@dataclass(frozen=True, eq=False)
class OneVideo:
    """A video with its graph.

    Args:
        video: Its id in a store, or the path of its file.
        features: Features of the frames of the graph.
        graph: The graph.
        label_names: Names of the classes.
        videos: Folder of the files of stored videos.
        run: The run whose model sees this graph, if it comes from one.
    """

    video: str
    features: VideoFeatures
    graph: VideoGraph
    label_names: Sequence[str]
    videos: Path | None
    run: TrainedRun | None = None

    @property
    def title(self) -> str:
        """The id, or the name of the file."""
        return Path(self.video).name

    def frames(self) -> Iterator[np.ndarray] | None:
        """Yields the frames of the graph; None, with a note, for stored videos whose files were not named."""
        try:
            return read_frames(self.video, self.features, self.videos)
        except MissingDataError as error:
            if self.videos is not None:
                raise
            say(f"Frames are drawn empty: {error}", error=True)
            return None


def open_video(chosen: argparse.Namespace, config: DictConfig) -> OneVideo:
    """Reads or extracts the features of the chosen video, and builds its graph.

    Args:
        chosen: Parsed arguments of the command.
        config: Settings: of ``configs/caption.yaml`` for a run, else of ``configs/graph.yaml``.

    Raises:
        MissingDataError: If the source, the video or weights of the detector do not exist.
        DataError: If the video cannot be read, or has no objects.
        OptionError: If settings contradict each other.
    """
    video, _ = split_video_arguments(chosen)
    kind = kind_of_source(chosen.source)
    if kind == "run":
        return _of_run(chosen, video, config)
    if config.sampling not in get_args(Sampling):
        raise OptionError(f"'sampling' must be spread or chunks, got '{shown(config.sampling)}'.")
    if config.num_frames is not None and (type(config.num_frames) is not int or config.num_frames < 1):
        raise OptionError(f"'num_frames' must be at least 1, or null, got '{shown(config.num_frames)}'.")
    if not isinstance(config.threads, int) or config.threads < 1:
        raise OptionError(f"'threads' must be at least 1, got '{shown(config.threads)}'.")
    builder = graph_config(config.graph).build()
    if kind == "store":
        store = FeatureStore(chosen.source)
        if not store.ids:
            raise DataError(f"{chosen.source} has no videos; write a store with 'stgraph extract'.")
        name = store.ids[0] if video is None else video
        features = store.read(name).sample(config.num_frames, config.sampling)
        return _built(name, features, builder, store.label_names, chosen, config.sampling)
    if chosen.source.suffix.lower() in (".graphml", ".gexf", ".json", ".pt"):
        raise OptionError(
            f"{shown(chosen.source)} must be a video, a store or a run, got the file of a graph; read it with "
            "VideoGraph.load, and draw it with draw_graph or write_page of stgraph.inspection."
        )
    features, names = _detected(chosen.source, config)
    return _built(str(chosen.source), features, builder, names, chosen, config.sampling)


def _of_run(chosen: argparse.Namespace, video: str | None, config: DictConfig) -> OneVideo:
    run = TrainedRun(chosen.source, config)
    captioner = run.captioner
    branches = [each for each in captioner.model.branches if "object" in captioner.model.streams(each)]
    branch = next(iter(branches), captioner.default_branch)
    name = run.video_of(video, SPLITS[-1])
    features = run.features_of(name, branch)
    is_file = Path(name).is_file()
    names = captioner.extractors(branch).label_names if is_file else run.data.store.label_names
    return _built(name, features, captioner.builder, names, chosen, captioner.config.sampling, run)


def _built(
    video: str,
    features: VideoFeatures,
    builder: VideoGraphBuilder,
    label_names: Sequence[str],
    chosen: argparse.Namespace,
    sampling: Sampling,
    run: TrainedRun | None = None,
) -> OneVideo:
    if features.detections is None:
        raise DataError(
            f"'{shown(video)}' has no objects to make a graph of; extract them with 'stgraph extract', or use a run whose "
            "model reads 'object'."
        )
    graph = graphs_of([features], builder, None, sampling=sampling)[0]
    return OneVideo(video, features, graph, label_names, chosen.videos, run)


def _detected(path: Path, config: DictConfig) -> tuple[VideoFeatures, Sequence[str]]:
    """Objects of a video file by the chosen detector, and the names of their classes."""
    choice = plain(config.objects)
    name = choice.pop("name")
    if name is None:
        raise OptionError(
            "'objects' must be a detector, as the nodes of the graph are objects, got objects=none."
        )
    rule = FrameRule(config.sampling, config.num_frames) if config.num_frames else FrameRule("every", 1)
    plan = ExtractionPlan([ExtractorChoice(name, choice)], rule, allow=[name])
    planned = plan.build(device_of(config.device))
    source = VideoSource(str(path), path)
    found = next(iter(extract_videos([source], planned, threads=config.threads)))
    if isinstance(found, Failure):
        raise DataError(f"{path}: {found.reason.removeprefix(str(path)).lstrip(': ')}")
    return found, planned.label_names
