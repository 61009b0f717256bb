"""The data set: a feature store, its seeded splits, and the subject of a caption."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from stgraph.features.importers import read_npy_folders
from stgraph.features.store import ExtractorRecord, FeatureStoreWriter
from stgraph.metrics import CaptionScores
from stgraph.text import normalise

STREAMS = {"appearance": "resnet152", "motion": "conv3d"}
TEST_SHARE = 0.2
# First words of the categories of two words: "giant panda", "red panda", "domestic cat".
FIRST_OF_TWO = ("giant", "red", "domestic")


def split_of(ids: Sequence[str], seed: int) -> dict[str, list[str]]:
    """Four fifths of the videos for training, one fifth for testing; a function of the ids and the seed alone."""
    names = sorted(ids)
    order = np.random.default_rng(seed).permutation(len(names))
    count = round(TEST_SHARE * len(names))
    places = {"train": order[count:], "test": order[:count]}
    return {split: sorted(names[place] for place in chosen) for split, chosen in places.items()}


def subject(caption: str) -> str:
    """The first noun: captions are "subject relation object".

    >>> subject("dog bite frisbee"), subject("giant panda sit next to giant panda")
    ('dog', 'giant panda')
    """
    words = normalise(caption).split()
    return " ".join(words[: 2 if words[:1] and words[0] in FIRST_OF_TWO else 1])


def with_subjects(
    scores: CaptionScores, captions: Mapping[str, str], references: Mapping[str, Sequence[str]]
) -> CaptionScores:
    """Adds a metric: the share of captions that have the subject of the reference."""
    right = {video: float(subject(captions[video]) == subject(references[video][0])) for video in references}
    return CaptionScores(
        {**scores.corpus, "subject": sum(right.values()) / len(right)},
        {**scores.per_video, "subject": right},
        scores.statistics,
    )


def prepare(data: Path, work: Path, seeds: Sequence[int]) -> dict[int, list[str]]:
    """Imports the features once and writes the splits; returns the settings of the data by seed."""
    work.mkdir(parents=True, exist_ok=True)
    store, captions = work / "vrd.h5", data / "captions.json"
    if not store.is_file():
        records = {stream: ExtractorRecord(name, "unknown", {}) for stream, name in STREAMS.items()}
        with FeatureStoreWriter(store, extractors=records) as writer:
            for video in read_npy_folders({stream: data / name for stream, name in STREAMS.items()}):
                writer.add(video)
    settings = {}
    for seed in seeds:
        splits = work / f"split{seed}.json"
        part = splits.with_suffix(".part")
        part.write_text(json.dumps(split_of(list(json.loads(captions.read_text())), seed), indent=1))
        os.replace(part, splits)
        paths = {"store": store, "captions": captions, "splits": splits}
        settings[seed] = ["data=folder", *(f"data.dataset.{key}={path}" for key, path in paths.items())]
    return settings
