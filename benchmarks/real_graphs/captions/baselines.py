"""Captions without training: of the nearest training example, the consensus of many near ones, and one for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from benchmarks.real_graphs.captions.data import Pairs, Source, of_videos
from stgraph import VideoGraphBuilder

NUM_FRAMES = 16
NEIGHBOURS = 10
"""Whose captions agree on one; chosen on the validation parts among 5, 10, 20, 50 and 100."""


class Consensus:
    """The caption that is most like the other captions of a set, by cosine of the tf-idf of n-grams of 1 to 4 words."""

    def __init__(self, captions: Sequence[str]) -> None:
        self.captions = np.array(captions)
        words = TfidfVectorizer(ngram_range=(1, 4), token_pattern=r"\S+")
        self.vectors = words.fit_transform(captions)

    def of(self, rows: Sequence[int]) -> str:
        """The caption of a set that is given by the captions' numbers."""
        vectors = self.vectors[rows]
        similarity = vectors @ np.asarray(vectors.mean(0)).ravel()
        return str(self.captions[rows][similarity.argmax()])


@cache
def _plain(source: Source) -> Pairs:
    return source.examples(VideoGraphBuilder(None, None), source.ids, NUM_FRAMES)


def plain_examples(source: Source, ids: Sequence[str]) -> Pairs:
    """Graphs without edges, with their sentences, of some videos."""
    return of_videos(_plain(source), ids)


def nearest(source: Source, train: Pairs, queries: Pairs) -> dict[str, str]:
    """The first caption of the nearest training example."""
    rows = _neighbours(source.features(train), source.features(queries), 1)
    return {graph.video_id: train[row[0]][1][0] for (graph, _), row in zip(queries, rows, strict=True)}


def consensus(source: Source, train: Pairs, queries: Pairs) -> dict[str, str]:
    """The caption that those of the nearest training examples agree on."""
    numbers, captions = _numbered(train)
    agree = Consensus(captions)
    rows = _neighbours(source.features(train), source.features(queries), min(NEIGHBOURS, len(train)))
    return {
        graph.video_id: agree.of([number for each in row for number in numbers[each]])
        for (graph, _), row in zip(queries, rows, strict=True)
    }


def constant(source: Source, train: Pairs, queries: Pairs) -> dict[str, str]:
    """The caption that all training captions agree on."""
    _, captions = _numbered(train)
    caption = Consensus(captions).of(range(len(captions)))
    return {graph.video_id: caption for graph, _ in queries}


def _numbered(train: Pairs) -> tuple[list[range], list[str]]:
    """Numbers of each example's captions, and all captions."""
    ends = np.cumsum([0] + [len(captions) for _, captions in train]).tolist()
    captions = [caption for _, group in train for caption in group]
    return [range(start, end) for start, end in pairwise(ends)], captions


def _neighbours(train: np.ndarray, queries: np.ndarray, count: int) -> list[list[int]]:
    scaler = StandardScaler().fit(train)
    found = NearestNeighbors(n_neighbors=count).fit(scaler.transform(train))
    return found.kneighbors(scaler.transform(queries), return_distance=False).tolist()


BASELINES: dict[str, tuple[str, Callable[[Source, Pairs, Pairs], dict[str, str]]]] = {
    "nearest_neighbour": ("first caption of the nearest training example", nearest),
    "consensus": (
        f"the caption that those of the {NEIGHBOURS} nearest training examples agree on",
        consensus,
    ),
    "constant": ("one caption for all: the one that the training captions agree on", constant),
}
