"""The tasks: which data, which targets, which people or videos are held out, and the score that counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from stgraph import GraphClassifier, RelationClassifier, TrackClassifier, VideoGraphBuilder
from stgraph.datasets.tracks import (
    CAD120,
    JAAD,
    TrackDataset,
    clip_examples,
    relation_examples,
    track_examples,
)
from stgraph.errors import DataError
from stgraph.graph import VideoGraph
from stgraph.models import Classifier

Examples = list[tuple[VideoGraph, Any]]


@dataclass(frozen=True)
class Fold:
    """What is held out.

    Args:
        name: The person or the split.
        train: Data set and videos of training.
        test: Data set and videos of the test.
    """

    name: str
    train: tuple[TrackDataset, Sequence[str]]
    test: tuple[TrackDataset, Sequence[str]]


@dataclass(frozen=True)
class Task:
    """A task on real tracks.

    Args:
        title: What is predicted.
        metric: The score that the rows are compared by.
        read: Reads the folder.
        examples: Makes graphs with targets of some videos.
        model: Class of the models.
        epochs: Epochs of training, the same for all rows.
        batch_size: Graphs of a step.
        learning_rate: Its largest value.
        standardize: Whether features and velocities enter with mean 0 and variance 1.
        mirrored: Whether networks are also trained on each training video with left and right exchanged.
    """

    title: str
    metric: str
    read: Callable[[Path], TrackDataset]
    examples: Callable[[TrackDataset, VideoGraphBuilder, Sequence[str]], Examples]
    model: type[Classifier]
    epochs: int
    batch_size: int = 32
    learning_rate: float = 3e-3
    standardize: bool = False
    mirrored: bool = False


def _actions(data: TrackDataset, builder: VideoGraphBuilder, ids: Sequence[str]) -> Examples:
    return list(clip_examples(data, builder, ids=ids, leave_out=["null"], num_frames=8))


def _relations(data: TrackDataset, builder: VideoGraphBuilder, ids: Sequence[str]) -> Examples:
    found = relation_examples(data, builder, ids=ids, window=64, num_frames=8)
    return [(graph, {pair: names[0] for pair, names in pairs.items()}) for graph, pairs in found]


def _crossing(data: TrackDataset, builder: VideoGraphBuilder, ids: Sequence[str]) -> Examples:
    return list(track_examples(data, builder, ids=ids, state="crossing", window=30, num_frames=8))


TASKS = {
    "cad120-action": Task(
        "CAD-120: the action of a clip, 9 classes, on a person never seen",
        "accuracy",
        CAD120,
        _actions,
        GraphClassifier,
        epochs=60,
        mirrored=True,
    ),
    "cad120-relation": Task(
        "CAD-120: what a hand does to a thing, and a thing to another, per frame, on a person never seen",
        "average_precision",
        CAD120,
        _relations,
        RelationClassifier,
        epochs=12,
        batch_size=16,
        learning_rate=2e-2,
    ),
    "jaad-crossing": Task(
        "JAAD: does a pedestrian cross at the end of a window of one second, on other videos",
        "auc",
        JAAD,
        _crossing,
        TrackClassifier,
        epochs=20,
        standardize=True,
    ),
}


def folds_of(
    data: TrackDataset, test: TrackDataset | None, *, validation: bool = False, parts: int | None = None
) -> list[Fold]:
    """The folds: the given test set, or each person held out, or the official splits, or parts of all videos.

    Args:
        data: The training data.
        test: Data of which all videos are the test; None holds out a part of ``data``.
        validation: Whether to test on the part of the training videos that settings are chosen on, and to train on the
            rest: on the last of the training people, or, where no people are known, on every fourth video.
        parts: Number of parts of which each is held out once; a part is a run of names, so that neighbouring videos,
            which may show one place, stay together.
    """
    if parts is not None:
        ids = sorted(data.ids)
        if parts > len(ids):
            raise DataError(f"{len(ids)} videos cannot be cut into {parts} parts; choose fewer parts.")
        cuts = [round(part * len(ids) / parts) for part in range(parts + 1)]
        folds = [
            Fold(f"part {number}", (data, ids[:low] + ids[high:]), (data, ids[low:high]))
            for number, (low, high) in enumerate(pairwise(cuts), 1)
        ]
    elif test is not None:
        folds = [Fold("test", (data, data.ids), (test, test.ids))]
    elif any(data[video_id].group is not None for video_id in data.ids[:1]):
        folds = [
            Fold(str(data[fold.test[0]].group), (data, fold.train), (data, fold.test))
            for fold in data.leave_one_out()
        ]
    else:
        folds = [Fold("val", (data, data.split("train")), (data, data.split("val")))]
    return [_validation(fold) for fold in folds] if validation else folds


def _validation(fold: Fold) -> Fold:
    data, ids = fold.train
    groups = {video_id: data.group_of(video_id) for video_id in ids}
    last = max((group for group in groups.values() if group is not None), default=None)
    chosen = set(ids[::4]) if last is None else {each for each in ids if groups[each] == last}
    train, test = ([each for each in ids if (each in chosen) == kept] for kept in (False, True))
    if not train:
        raise DataError(
            "Settings cannot be chosen within training videos of one person, or one video; give more of them, or leave out "
            "--validation."
        )
    return Fold(fold.name, (data, train), (data, test))
