"""347 real videos with a short caption each: imported, split, and what nearest neighbour makes of them."""

import json

import numpy as np
import pytest

from benchmarks.vrd.cells import NEAREST, CellTask, run_cell
from benchmarks.vrd.data import prepare, split_of, subject
from stgraph.features import FeatureStore
from stgraph.metrics import Evaluation

# The categories that are a caption's subject somewhere, counted by eye.
SUBJECTS = """airplane antelope bear bicycle bird bus car cattle dog domestic_cat elephant fox giant_panda hamster horse lion
lizard monkey motorcycle person rabbit red_panda sheep snake squirrel tiger train turtle watercraft whale zebra"""


@pytest.fixture(scope="module")
def captions(real_data):
    content = json.loads((real_data / "features" / "vrd" / "captions.json").read_text())
    return {video: lines[0] for video, lines in content.items()}


def test_the_subject_of_every_caption_is_a_category(captions):
    assert len(captions) == 347
    assert {subject(text) for text in captions.values()} == {
        name.replace("_", " ") for name in SUBJECTS.split()
    }


def test_splits_are_disjoint_whole_and_of_the_seed_alone(captions):
    splits = [split_of(list(captions), seed) for seed in range(5)]
    for split in splits:
        assert (len(split["train"]), len(split["test"])) == (278, 69)
        assert sorted(split["train"] + split["test"]) == sorted(captions)
    assert len({tuple(split["test"]) for split in splits}) == 5
    assert split_of(sorted(captions, reverse=True), 3) == splits[3]
    # The committed figures are of these splits: another generator of numbers would make them others.
    assert splits[0]["test"][:5] == ["video0", "video105", "video12", "video135", "video141"]


def nearest_by_loop(folder, captions, seed):
    """The caption of the training video whose mean frame has the largest cosine, from the files themselves."""
    split = split_of(list(captions), seed)
    mean = {video: np.load(folder / "resnet152" / f"{video}.npy").astype(float).mean(0) for video in captions}
    unit = {video: vector / np.sqrt(vector @ vector) for video, vector in mean.items()}
    return {
        video: captions[max(split["train"], key=lambda other: unit[other] @ unit[video])]
        for video in split["test"]
    }


def test_nearest_neighbour_is_as_known(real_data, captions, tmp_path):
    settings = prepare(real_data / "features" / "vrd", tmp_path, [0, 1])
    assert len(FeatureStore(tmp_path / "vrd.h5").ids) == 347
    for seed in (0, 1):
        task = CellTask(NEAREST, seed, tuple(settings[seed]), tmp_path / "run", tmp_path / f"{seed}.json")
        assert not task.finished()
        found = Evaluation.load(run_cell(task))
        assert task.finished()
        assert found.captions == nearest_by_loop(real_data / "features" / "vrd", captions, seed)
        scores = found.scores
        assert 0.45 < scores["BLEU-1"] < 0.6
        assert 2.3 < scores["CIDEr"] < 3.4
        assert 0.55 < scores["subject"] < 0.75
