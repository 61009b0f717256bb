"""What is captioned: clips of CAD-120 as graphs of boxes, videos of MSR-VTT as features of whole frames."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.real_graphs.hand_made import features_of
from stgraph import VideoGraphBuilder
from stgraph.datasets import read_msrvtt1000_captions
from stgraph.datasets.tracks import CAD120, clip_examples
from stgraph.errors import DataError, MissingDataError
from stgraph.features.importers import read_npy_folders
from stgraph.graph import VideoGraph, graphs_of

Pairs = list[tuple[VideoGraph, list[str]]]
"""Graphs with their sentences."""
FEATURES = "vgg16_ae128"
CAPTIONS = ("captions.json", "all.json.gz", "corpora/msrvtt/all.json.gz")
"""Where captions are looked for, in the folder of the features and those around it."""
NUM_CATEGORIES = 20
"""Kinds of videos in MSR-VTT."""
TEST, VALIDATION = range(700, 800), range(600, 700)
"""Numbers of the videos of MSR-VTT that are held out, as the README of these features has them."""


class Source(ABC):
    """A folder of videos with sentences.

    Attributes:
        ids: Names of the videos.
        num_labels: Number of classes of things.
    """

    ids: tuple[str, ...]
    num_labels: int = 0

    @abstractmethod
    def examples(self, builder: VideoGraphBuilder, ids: Sequence[str], num_frames: int) -> Pairs:
        """Graphs of some videos, or of their clips, with so many frames at most."""

    @abstractmethod
    def features(self, examples: Pairs) -> np.ndarray:
        """One vector per example, by which the baselines find near ones."""

    @abstractmethod
    def held_out(self) -> list[tuple[str, list[str]]]:
        """Each fold's name and the videos that are its test."""

    @abstractmethod
    def validation(self, ids: Sequence[str]) -> list[str]:
        """Those of the training videos that settings are chosen on."""


@dataclass(frozen=True)
class Fold:
    """What is held out.

    Args:
        name: The person or the split.
        train: Source and videos of training.
        test: Source and videos of the test.
    """

    name: str
    train: tuple[Source, Sequence[str]]
    test: tuple[Source, Sequence[str]]


class Clips(Source):
    """The captioned segments of CAD-120; a person is held out."""

    def __init__(self, folder: Path, like: Clips | None = None) -> None:
        self.data = CAD120(folder, label_names=None if like is None else like.data.label_names)
        self.ids, self.num_labels = self.data.ids, len(self.data.label_names)

    def examples(self, builder: VideoGraphBuilder, ids: Sequence[str], num_frames: int) -> Pairs:
        """One graph per segment."""
        found = clip_examples(self.data, builder, kind="caption", ids=ids, num_frames=num_frames)
        return [(graph, [text]) for graph, text in found]

    def features(self, examples: Pairs) -> np.ndarray:
        """The hand-made features of the other tasks."""
        return features_of(list(examples), self.data.label_names)

    def held_out(self) -> list[tuple[str, list[str]]]:
        """One fold per person."""
        return [(fold.group, list(fold.test)) for fold in self.data.leave_one_out()]

    def validation(self, ids: Sequence[str]) -> list[str]:
        """The videos of the last of the training people."""
        last = max(self.data.group_of(video_id) for video_id in ids)
        return [video_id for video_id in ids if self.data.group_of(video_id) == last]


class Frames(Source):
    """The first videos of MSR-VTT; 100 videos are held out."""

    def __init__(self, folder: Path, like: Frames | None = None) -> None:
        folder = folder / FEATURES if (folder / FEATURES).is_dir() else folder
        self.videos = {video.id: video for video in read_npy_folders({"appearance": folder})}
        self.numbers = {f"video{number}": number for number in sorted(int(name[5:]) for name in self.videos)}
        self.ids = tuple(self.numbers)
        self.file = captions_near(folder) or (None if like is None else like.file)
        if self.file is None:
            raise MissingDataError(
                f"There are no captions in {folder} or around it; put the file all.json.gz there."
            )
        corpus = read_msrvtt1000_captions(self.file, {"train": list(self.numbers.values())})
        self.captions = corpus.references("train")
        self.categories = {video_id: _category(video_id, corpus[video_id].category) for video_id in self.ids}
        if unknown := list(self.categories.values()).count(-1):
            warnings.warn(
                f"{unknown} of {len(self.ids)} videos in {folder} have no category, which STaTS reads; take captions with "
                "categories, such as all.json.gz.",
                stacklevel=2,
            )

    def examples(self, builder: VideoGraphBuilder, ids: Sequence[str], num_frames: int) -> Pairs:
        """One graph per video, without boxes and with the video's category."""
        videos, categories = ([kept[video_id] for video_id in ids] for kept in (self.videos, self.categories))
        graphs = graphs_of(videos, builder, num_frames, category=categories).to_data_list()
        return [(graph, self.captions[graph.video_id]) for graph in graphs]

    def features(self, examples: Pairs) -> np.ndarray:
        """Means of the frames."""
        return np.stack([graph.appearance.float().mean(0).numpy() for graph, _ in examples])

    def held_out(self) -> list[tuple[str, list[str]]]:
        """Videos 700 to 799."""
        return [("test", self._within(TEST, self.ids))]

    def validation(self, ids: Sequence[str]) -> list[str]:
        """Videos 600 to 699."""
        return self._within(VALIDATION, ids)

    def _within(self, numbers: range, ids: Sequence[str]) -> list[str]:
        return [video_id for video_id in ids if self.numbers[video_id] in numbers]


def _category(video_id: str, category: str | None) -> int:
    """The number of a category of MSR-VTT; -1 if there is none."""
    if category is None:
        return -1
    if not category.isdecimal() or int(category) >= NUM_CATEGORIES:
        raise DataError(
            f"'category' of {video_id} must be a number below {NUM_CATEGORIES}, got {category!r}; take MSR-VTT's captions."
        )
    return int(category)


def of_videos(examples: Pairs, ids: Sequence[str]) -> Pairs:
    """The examples of some videos, whose clips are named ``VIDEO/FRAMES``."""
    chosen = set(ids)
    return [pair for pair in examples if pair[0].video_id.split("/")[0] in chosen]


def captions_near(folder: Path) -> Path | None:
    """The file of captions in a folder, or else in the nearest folder around it that has one."""
    places = [around / name for around in (folder.resolve(), *folder.resolve().parents) for name in CAPTIONS]
    return next((path for path in places if path.is_file()), None)


def folds_of(source: Source, test: Source | None, *, validation: bool = False) -> list[Fold]:
    """The folds.

    Args:
        source: The training data.
        test: Data of which all videos are the test; None holds out a part of ``source``.
        validation: Whether to test on the part of the training videos that settings are chosen on, and to train on the rest.
    """
    if test is None:
        parts = [
            (name, [video_id for video_id in source.ids if video_id not in chosen], (source, chosen))
            for name, chosen in source.held_out()
        ]
    else:
        parts = [("test", list(source.ids), (test, test.ids))]
    folds = []
    for name, train, tested in parts:
        if validation:
            chosen = source.validation(train)
            train = [video_id for video_id in train if video_id not in chosen]
            tested = (source, chosen)
        folds.append(Fold(name, (source, train), tested))
    return folds
