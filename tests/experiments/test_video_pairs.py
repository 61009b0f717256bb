"""Comparisons over test videos: runs of several seeds as one set, compared with sums by hand."""

import numpy as np
import pytest

from stgraph.errors import DataError
from stgraph.experiments import Study
from stgraph.experiments.video_pairs import load_pairs, pooled_scores, save_pairs, video_pairs
from stgraph.metrics import CaptionEvaluator, Evaluation
from tests.experiments.cells import make_cell

REFERENCES = {"v1": ["a dog runs to a box", "a dog runs"], "v2": ["a cat sleeps on the box"]}
CAPTIONS = (
    {"v1": "a dog runs to a box", "v2": "a cat runs on the box"},
    {"v1": "a dog runs", "v2": "a cat sleeps on the box"},
)


def evaluation(captions, references="r", names=("v1", "v2")):
    named = dict(zip(("v1", "v2"), names, strict=True))
    evaluator = CaptionEvaluator(
        {named[v]: texts for v, texts in REFERENCES.items()}, metrics=("BLEU-4", "CIDEr")
    )
    captions = {named[video]: text for video, text in captions.items()}
    return Evaluation("sample", "test", "scene", captions, evaluator(captions), references)


def test_videos_of_each_seed_are_units_if_the_seeds_have_their_own():
    """Then the pooled BLEU is that of one evaluation of all captions together."""
    pooled = pooled_scores([evaluation(CAPTIONS[0], "r0"), evaluation(CAPTIONS[1], "r1")])
    both = {f"{name}{k}": text for k, captions in enumerate(CAPTIONS) for name, text in captions.items()}
    whole = CaptionEvaluator({name: REFERENCES[name[:2]] for name in both}, metrics=("BLEU-4",))(both)
    assert pooled["BLEU-4"] == pytest.approx(whole["BLEU-4"])
    assert set(pooled.per_video["CIDEr"]) == {"0/v1", "0/v2", "1/v1", "1/v2"}
    assert pooled["CIDEr"] == pytest.approx(np.mean(list(pooled.per_video["CIDEr"].values())))


def test_a_video_that_all_seeds_captioned_is_one_unit():
    apart = [evaluation(captions) for captions in CAPTIONS]
    pooled = pooled_scores(apart)
    ciders = [each.scores.per_video["CIDEr"] for each in apart]
    assert pooled.per_video["CIDEr"] == pytest.approx(
        {v: (ciders[0][v] + ciders[1][v]) / 2 for v in ("v1", "v2")}
    )
    assert pooled["CIDEr"] == pytest.approx(np.mean([each.scores["CIDEr"] for each in apart]))
    counts = [each.scores.statistics["BLEU"]["v1"] for each in apart]
    assert pooled.statistics["BLEU"]["v1"] == [x + y for x, y in zip(*counts, strict=True)]


STUDY = Study.parse(
    "t",
    {"title": "T", "source": "S", "references": ["a"], "rows": {"a": {"title": "A"}, "b": {"title": "B"}}},
)


@pytest.fixture
def runs(tmp_path):
    cells = {row: {0: make_cell(row, 0)} for row in ("a", "b")}
    for row, captions in zip(("a", "b"), CAPTIONS, strict=True):
        folder = tmp_path / "t" / row / "0"
        folder.mkdir(parents=True)
        (folder / "cell.txt").write_text(f"settings {row}-0\ndata d\n")
        evaluation(captions).save(folder / "evaluation-test-scene.json", {})
    return tmp_path, cells


def test_a_comparison_is_kept_for_its_own_cells_only(runs, tmp_path):
    folder, cells = runs
    pairs, missing = video_pairs(STUDY, cells, folder)
    assert [(pair.row, pair.reference, pair.videos) for pair in pairs] == [("b", "a", 2)]
    assert missing == []
    save_pairs(tmp_path / "videos.json", pairs)
    assert load_pairs(tmp_path / "videos.json") == pairs
    assert video_pairs(STUDY, cells, tmp_path / "gone", pairs) == (pairs, [])
    other = cells | {"b": {0: cells["b"][0].model_copy(update={"settings_hash": "other"})}}
    assert video_pairs(STUDY, other, folder, pairs) == ([], ["b/0"])


def test_rows_of_other_videos_or_references_are_not_compared(runs):
    folder, cells = runs
    path = folder / "t" / "b" / "0" / "evaluation-test-scene.json"
    evaluation(CAPTIONS[1], "other references").save(path, {})
    with pytest.raises(
        DataError, match="'b' and 'a' cannot be compared over videos: their reference captions"
    ):
        video_pairs(STUDY, cells, folder)
    evaluation(CAPTIONS[1], names=("v1", "v3")).save(path, {})
    with pytest.raises(DataError, match="2 test videos are in only one"):
        video_pairs(STUDY, cells, folder)


def test_a_damaged_file_of_comparisons_is_named(tmp_path):
    (tmp_path / "videos.json").write_text('{"pairs": [{"row": "a"}]}')
    with pytest.raises(DataError, match="videos.json does not hold comparisons over videos"):
        load_pairs(tmp_path / "videos.json")
    assert load_pairs(tmp_path / "none.json") == []
