import dataclasses
import json
import pickle

import pytest

from stgraph.metrics import CaptionScores

SCORES = CaptionScores({"METEOR": 0.3, "CIDEr": 1.25}, {"METEOR": {"a": 0.3}, "CIDEr": {"a": 1.25}})


def test_is_a_mapping_of_the_metrics():
    assert dict(SCORES) == {"METEOR": 0.3, "CIDEr": 1.25}
    assert list(SCORES) == ["METEOR", "CIDEr"]
    assert len(SCORES) == 2
    with pytest.raises(KeyError):
        SCORES["SPICE"]


def test_is_frozen_and_travels():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SCORES.corpus = {}
    again = pickle.loads(pickle.dumps(SCORES))
    assert again == SCORES
    assert again.per_video == SCORES.per_video


def test_to_dict_is_json_and_a_copy():
    assert json.loads(json.dumps(SCORES.to_dict())) == {"METEOR": 0.3, "CIDEr": 1.25}
    SCORES.to_dict()["CIDEr"] = 0.0
    assert SCORES["CIDEr"] == 1.25


def test_repr_is_a_table():
    assert repr(SCORES) == "CaptionScores of 1 video\n  METEOR  0.3000\n  CIDEr   1.2500"
