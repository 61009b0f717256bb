"""``stgraph compare`` on made-up evaluations with known differences and on a trained run."""

import json

import pytest

from stgraph.cli import main
from stgraph.metrics import CaptionScores, Evaluation, paired_bootstrap

BASE = [0.2, 1.4, 0.9, 0.4, 1.1, 0.7]


@pytest.fixture
def call(capsys):
    def run(*arguments):
        status = main(["compare", *map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def scores_of(ciders):
    each = {f"v{i}": cider for i, cider in enumerate(ciders)}
    return CaptionScores({"CIDEr": sum(ciders) / len(ciders)}, {"CIDEr": each})


@pytest.fixture
def made(tmp_path):
    """Writes a made-up evaluation and returns the run folder."""

    def write(name, ciders, *, dataset="toys", split="test", branch="scene", references="one", filed_as=None):
        run = tmp_path / name
        run.mkdir(exist_ok=True)
        scores = scores_of(ciders)
        captions = {video: f"{name} says {video}" for video in scores.per_video["CIDEr"]}
        evaluation = Evaluation(dataset, split, branch, captions, scores, references)
        evaluation.save(run / f"evaluation-{filed_as or split}-{branch}.json", {})
        return run

    return write


def test_shows_scores_difference_interval_p_and_the_videos_that_differ_most(call, made, tmp_path):
    other = [0.2, 1.5, 0.9, 1.4, 1.0, 0.6]
    a, b = made("a", BASE), made("b", other)
    before = sorted(tmp_path.rglob("*"))
    status, out, _ = call(a, b, "videos=2")
    assert status == 0
    pair = paired_bootstrap(scores_of(BASE), scores_of(other))["CIDEr"]
    lines = out.splitlines()
    assert lines[0] == "toys, test split, 6 videos (x 100)"
    row = next(line for line in lines if line.startswith("CIDEr"))
    assert row.split() == [
        *("CIDEr", "78.3", "93.3", "-15.0"),
        *(f"{100 * pair.low:+.1f}", "to", f"{100 * pair.high:+.1f}", f"{pair.p_value:.3f}"),
    ]
    most = lines[lines.index("Videos that differ most in CIDEr:") + 1 :]
    assert most[:3] == ["v3", "  A   40.0  a says v3", "  B  140.0  b says v3"]
    assert len(most) == 6
    assert sorted(tmp_path.rglob("*")) == before  # no file is written


def test_writes_the_comparison_to_the_output_file(call, made, tmp_path):
    a, b = made("a", [x + 0.5 for x in BASE]), made("b", BASE)
    assert call(a, b, "-o", tmp_path / "c.json", "samples=199", "level=0.9", "seed=4")[0] == 0
    found = json.loads((tmp_path / "c.json").read_text())
    assert (found["dataset"], found["split"], found["videos"]) == ("toys", "test", 6)
    assert found["bootstrap"] == {"level": 0.9, "samples": 199, "seed": 4}
    row = found["metrics"]["CIDEr"]
    assert (row["difference"], row["low"], row["high"]) == pytest.approx((0.5, 0.5, 0.5))
    assert row["p_value"] == pytest.approx(2 / 200)
    assert found["differ_most"]["v0"]["b"] == {"CIDEr": 0.2, "caption": "b says v0"}


def test_a_validation_figure_is_never_set_beside_a_test_figure(call, made):
    a, b = made("a", BASE), made("b", BASE, split="val")
    status, _, error = call(a, b)
    assert status == 1
    assert f"{b} was not evaluated on the test split; run 'stgraph evaluate {b} split=test' first." in error
    status, _, error = call(a, b, "split=val")
    assert status == 1
    assert f"run 'stgraph evaluate {a} split=val' first" in error
    b = made("b", BASE, split="val", filed_as="test")  # a renamed file is refused too
    status, out, error = call(a, b)
    assert (status, out) == (1, "")
    assert (
        "holds scores of the val split by the scene branch with greedy decoding, so its name is wrong"
        in error
    )


@pytest.mark.parametrize(
    ("ciders", "changed", "message"),
    [
        (BASE, {"dataset": "pets"}, "on 'toys' and .* on 'pets'; evaluate both on the same one"),
        (BASE[:-2], {}, r"2 are in only one evaluation \(first 'v4'\)"),
        (BASE, {"references": "two"}, "against different reference captions of 'toys'"),
    ],
)
def test_evaluations_of_other_data_are_refused(call, made, ciders, changed, message):
    status, out, error = call(made("a", BASE), made("b", ciders, **changed))
    assert (status, out) == (1, "")
    assert error.count("\n") == 1
    with pytest.raises(ValueError, match=message):
        raise ValueError(error)


def test_a_beam_under_the_name_of_greedy_captions_is_refused(call, made):
    a, b = made("a", BASE), made("b", BASE)
    path = b / "evaluation-test-scene.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"decoding": {**content["decoding"], "method": "beam"}}))
    status, out, error = call(a, b)
    assert (status, out) == (1, "")
    assert "by the scene branch with beam5 decoding, so its name is wrong" in error
    del content["decoding"]  # files written before decodings could be chosen
    path.write_text(json.dumps(content))
    status, out, _ = call(a, b)
    assert (status, "different ways" in out) == (0, False)
    assert f"B: {b}, scene branch, greedy" in out


def test_a_run_with_two_branches_asks_which(call, made):
    a = made("a", BASE)
    made("a", [x - 0.1 for x in BASE], branch="object")
    status, _, error = call(a, made("b", BASE))
    assert status == 1
    assert "by 2 branches; add branch_a=object or branch_a=scene" in error
    status, out, _ = call(a, a, "branch_a=object", "branch_b=scene")
    assert status == 0
    assert "-10.0" in out
    status, _, error = call(a, made("b", BASE), "branch_a=scene", "branch_b=object")
    assert status == 1
    assert "split=test branch=object' first" in error


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("split=testing", "'split' must be one of train, val, test, got 'testing'"),
        ("branch_c=scene", "did you mean 'branch_"),
        ("samples=1", "'samples' must be from 2 to 1,000,000, got 1"),
        ("samples=many", "'samples' must be a whole number, got 'many'"),
        ("level=95", "'level' must be between 0 and 1, got 95"),
        ("seed=-1", "'seed' must be 0 or more, got -1"),
        ("videos=-1", "'videos' must be a number of videos"),
        ("--output=/nowhere/at/all.json", "There is no folder for /nowhere/at/all.json"),
    ],
)
def test_wrong_settings_are_named(call, made, setting, message):
    status, out, error = call(made("a", BASE), made("b", BASE), setting)
    assert (status, out) == (1, "")
    assert message in error


def test_the_branches_of_a_trained_run(call, folder, capsys, tmp_path):
    for branch in ("scene", "object"):
        assert main(["evaluate", str(folder), "split=val", f"branch={branch}"]) == 0
    capsys.readouterr()
    status, _, _ = call(
        folder, folder, "split=val", "branch_a=scene", "branch_b=object", "-o", tmp_path / "c.json"
    )
    assert status == 0
    found = json.loads((tmp_path / "c.json").read_text())["metrics"]
    assert list(found) == ["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr"]
    for name, branch in (("a", "scene"), ("b", "object")):
        scores = json.loads((folder / f"evaluation-val-{branch}.json").read_text())["scores"]
        assert {metric: row[name] for metric, row in found.items()} == scores
    assert all(row["low"] <= row["high"] and 0 < row["p_value"] <= 1 for row in found.values())
