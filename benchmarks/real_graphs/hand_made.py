"""Baselines without a network: a random forest on hand-made features, nearest neighbour on them, and the constant answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stgraph.graph import VideoGraph

NUM_TIMES = 8
ACTORS = ("hand", "head", "pedestrian")
BASELINES = {
    "random_forest": (
        "a random forest on hand-made features",
        lambda seed: RandomForestClassifier(300, min_samples_leaf=2, random_state=seed),
    ),
    "nearest_neighbour": (
        "nearest neighbour on hand-made features",
        lambda seed: make_pipeline(StandardScaler(), KNeighborsClassifier(1)),
    ),
    "constant": ("the most frequent class", lambda seed: DummyClassifier(strategy="prior")),
}
"""Title, and seed -> classifier of scikit-learn."""


def features_of(examples: list[tuple[VideoGraph, Any]], label_names: tuple[str, ...]) -> np.ndarray:
    """Hand-made features of every target, in the order of the examples, ``[P, F]``."""
    rows: list[np.ndarray] = []
    for graph, target in examples:
        table = _Boxes(graph, label_names)
        if not isinstance(target, dict):
            rows.append(table.scene())
        else:
            rows += [table.pair(*key) if isinstance(key, tuple) else table.course(key) for key in target]
    return np.nan_to_num(np.stack(rows), nan=-1.0)


class _Boxes:
    """Boxes of a graph by frame and track: centre and size as shares of the picture."""

    def __init__(self, graph: VideoGraph, label_names: tuple[str, ...]) -> None:
        self.label, self.num_labels = graph.label.numpy(), len(label_names)
        self.actor = [label_names[number] in ACTORS for number in self.label]
        self.frame, track = graph.frame.numpy(), graph.track.numpy()
        self.tracks = np.unique(track)
        self.place = np.searchsorted(self.tracks, track)
        self.track_label = np.zeros(len(self.tracks), dtype=int)
        self.track_label[self.place] = self.label
        self.boxes = np.full((int(graph.num_frames), len(self.tracks), 4), np.nan)
        self.boxes[self.frame, self.place] = graph.x[:, :4].numpy()
        self.is_actor = np.zeros(len(self.tracks), dtype=bool)
        self.is_actor[self.place] = self.actor

    def scene(self) -> np.ndarray:
        """Which classes are there; over time: each actor, and the thing that is nearest to it."""
        there = np.bincount(self.track_label, minlength=self.num_labels)
        times = np.linspace(0, len(self.boxes) - 1, NUM_TIMES).round().astype(int)
        parts = [there.astype(float)]
        actors = np.flatnonzero(self.is_actor)
        actors = actors[np.argsort(self.track_label[actors], kind="stable")][:3]
        things = np.flatnonzero(~self.is_actor)
        for place in range(3):
            course = np.full((NUM_TIMES, 11), np.nan)
            if place < len(actors):
                own = self.boxes[times, actors[place]]
                course[:, :4] = own
                if len(things):
                    gap = self.boxes[times][:, things] - own[:, None]
                    distance = np.hypot(gap[..., 0], gap[..., 1])
                    near = np.where(np.isnan(distance), np.inf, distance).argmin(1)
                    pick = np.arange(NUM_TIMES)
                    course[:, 4:6] = gap[pick, near, :2]
                    course[:, 6] = distance[pick, near]
                    course[:, 7:11] = self.boxes[times][pick, things[near]]
            parts += [course.ravel(), np.diff(course, axis=0).ravel()]
        return np.concatenate(parts)

    def course(self, track: int) -> np.ndarray:
        """A track's boxes over time, their changes, and how many others there are."""
        times = np.linspace(0, len(self.boxes) - 1, NUM_TIMES).round().astype(int)
        own = self.boxes[times, np.searchsorted(self.tracks, track)]
        others = (~np.isnan(self.boxes[times, :, 0])).sum(1)
        return np.concatenate([own.ravel(), np.diff(own, axis=0).ravel(), others])

    def pair(self, i: int, j: int) -> np.ndarray:
        """Both boxes in their frame and one frame earlier and later, what lies between them, and their classes."""
        frame, parts = self.frame[i], []
        for at in (frame - 1, frame, frame + 1):
            if 0 <= at < len(self.boxes):
                a, b = self.boxes[at, self.place[i]], self.boxes[at, self.place[j]]
                parts += [a, b, b - a, [np.hypot(*(b - a)[:2])]]
            else:
                parts.append(np.full(13, np.nan))
        kinds = np.zeros(2 * self.num_labels)
        kinds[self.label[i]] = kinds[self.num_labels + self.label[j]] = 1.0
        return np.concatenate([*parts, kinds])
