import json
from dataclasses import replace

import pytest

from stgraph.decoding import BeamSearch, Greedy, Sampling
from stgraph.errors import DataError, MissingDataError
from stgraph.metrics import CaptionEvaluator, Evaluation, bootstrap_intervals

REFERENCES = {"a": ["a cat sleeps", "the cat is asleep"], "b": ["a dog runs"], "ü": ["two birds sing"]}
CAPTIONS = {"a": "a cat runs", "b": "a dog runs", "ü": ""}


@pytest.fixture
def evaluation():
    scores = CaptionEvaluator(REFERENCES, ["BLEU-4", "ROUGE-L", "CIDEr"])(CAPTIONS)
    return Evaluation("pets", "val", "scene", CAPTIONS, scores, "digest")


def test_what_was_saved_is_read_again(evaluation, tmp_path):
    path = tmp_path / "e.json"
    evaluation.save(path, {"seed": 3})
    assert json.loads(path.read_text())["seed"] == 3
    again = Evaluation.load(path)
    for name in ("dataset", "split", "branch", "captions", "references"):
        assert getattr(again, name) == getattr(evaluation, name)
    assert again.scores.per_video == evaluation.scores.per_video
    assert again.scores.statistics == evaluation.scores.statistics
    assert bootstrap_intervals(again.scores) == bootstrap_intervals(evaluation.scores)


@pytest.mark.parametrize(
    ("decoding", "name"),
    [
        (Greedy(), "evaluation-val-scene.json"),
        (BeamSearch(), "evaluation-val-scene-beam5.json"),
        (BeamSearch(length_penalty=1), "evaluation-val-scene-beam5-length_penalty1.0.json"),
        (Sampling(seed=7, top_k=3), "evaluation-val-scene-sample7-top_k3.json"),
    ],
)
def test_each_decoding_has_a_file_of_its_own_and_comes_back(evaluation, tmp_path, decoding, name):
    written = replace(evaluation, decoding=decoding)
    assert written.file_name == name
    written.save(tmp_path / name, {})
    assert Evaluation.load(tmp_path / name).decoding == decoding


def test_files_that_are_no_evaluation_are_named(evaluation, tmp_path):
    path = tmp_path / "e.json"
    with pytest.raises(
        MissingDataError, match="no evaluation at .*e.json; write one with 'stgraph evaluate'"
    ):
        Evaluation.load(path)
    evaluation.save(path, {})
    whole = path.read_text()
    content = json.loads(whole)
    del content["per_video"]
    odd = json.dumps({**json.loads(whole), "decoding": {"method": "beams"}})
    for text in (whole[:200], json.dumps(content), "[1]", '{"per_video": 3}', odd):
        path.write_text(text)
        with pytest.raises(DataError, match="run 'stgraph evaluate' again"):
            Evaluation.load(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["scores"].update({"CIDEr": "0.5"}),
        lambda content: content["scores"].update({"CIDEr": float("nan")}),
        lambda content: content["scores"].update({"other": 0.5}),
        lambda content: content["per_video"].popitem(),
        lambda content: next(iter(content["per_video"].values())).popitem(),
        lambda content: next(iter(content["per_video"].values())).update({"CIDEr": [0.5]}),
        lambda content: content["captions"].update({"another": "a cat"}),
        lambda content: content["captions"].update({next(iter(content["captions"])): 3}),
        lambda content: next(iter(content["statistics"].values()))["BLEU"].pop(),
        lambda content: content.update({"decoding": {"method": "beam", "beam_size": "3"}}),
    ],
)
def test_values_that_cannot_be_compared_later_are_refused(evaluation, tmp_path, change):
    path = tmp_path / "e.json"
    evaluation.save(path, {})
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match="run 'stgraph evaluate' again"):
        Evaluation.load(path)
