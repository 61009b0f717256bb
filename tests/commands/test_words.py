"""``stgraph words`` on made-up evaluations with known counts."""

import json
import sys

import pytest

from stgraph.cli import main
from stgraph.datasets import open_dataset
from stgraph.metrics import CaptionScores, Evaluation
from stgraph.text import english_tagger

TINY = {
    "data": {"dataset": {"name": "interactions", "size": "tiny", "seed": 0}},
    "model": {"name": "stgkd"},
    "seed": 0,
}


@pytest.fixture
def call(capsys):
    def run(*arguments):
        status = main(["words", *map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def made(tmp_path):
    """Writes an evaluation and returns the run folder."""

    def write(name, captions, *, dataset="interactions-tiny-seed0", split="test", branch="scene"):
        run = tmp_path / name
        run.mkdir(parents=True, exist_ok=True)
        if not isinstance(captions, dict):
            captions = {f"v{number}": caption for number, caption in enumerate(captions)}
        evaluation = Evaluation(dataset, split, branch, captions, CaptionScores({}, {}))
        evaluation.save(run / f"evaluation-{split}-{branch}.json", {})
        return run

    return write


def rows(out):
    """Returns the cells of all rows of the Markdown tables."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in out.splitlines() if line[:1] == "|"
    ]


def test_runs_named_by_seeds_are_one_model(call, made, tmp_path):
    # Ranks 1 to 5 are the words that occur twice: ball, box, chases, cone, star.
    nouns = [
        "the red ball chases the red box",
        "the ball chases the box",
        "a star pushes a cone",
        "the star is the cone",
    ]
    a = made("st/0", [*nouns, "the ring enters"])
    b = made("st/1", [*nouns, "leaves"])
    other = made("ts", ["the blue box"])
    status, out, error = call(a, b, other, "-o", tmp_path / "words.json")
    assert (status, error) == (0, "")
    assert out.startswith("test split, parts of speech by the grammar of interactions;")
    found = rows(out)
    model = str(tmp_path / "st")
    # st/0: 9 nouns, 4 verbs, 2 adjectives of 25 words; st/1: 8, 4 and 2 of 23.
    assert [model, "2", "2.0 ± 0.0", "0.5 ± 0.7", "58.6 ± 2.0", "27.6 ± 1.3", "13.8 ± 0.7"] in found
    assert [str(other), "1", "0", "0", "50.0", "0.0", "50.0"] in found
    assert ["noun", model, "8.5 ± 0.7", "4.5 ± 0.7", "35.4 ± 0.9"] in found
    assert ["noun", str(other), "1", "1", "33.3"] in found
    assert ["verb", str(other), "0", "0", "0.0"] in found
    assert "adverb" not in out  # none occurs
    content = json.loads((tmp_path / "words.json").read_text())
    assert content["split"] == "test"
    st = content["models"][model]
    assert st["runs"] == [str(run / "evaluation-test-scene.json") for run in (a, b)]
    assert st["parts"]["verb"]["words"] == {"mean": 4.0, "deviation": 0.0}
    assert st["ranks 6-25"][st["runs"][0]] == [
        ["enters", "verb", 1],
        ["pushes", "verb", 1],
        ["ring", "noun", 1],
    ]
    assert content["models"][str(other)]["parts"]["noun"]["words"] == {"mean": 1.0, "deviation": None}


def test_right_words_are_those_of_the_references_of_the_run_s_own_data(call, made):
    references = open_dataset("interactions", size="tiny").corpus.references("test")
    captions = {video: sentences[0] for video, sentences in references.items()}
    wrong = sorted(captions)[0]
    words = captions[wrong].split()
    other = next(shape for shape in ("star", "ring") if all(shape not in said for said in references[wrong]))
    captions[wrong] = " ".join([*words[:2], other, *words[3:]])
    run = made("run", captions)
    (run / "config.yaml").write_text(json.dumps(TINY))
    status, out, _ = call(run, "references=true")
    assert status == 0
    right = {row[0]: row[-1] for row in rows(out)[4:]}
    number = 2 * len(captions)
    assert right["noun"] == f"{100 * (number - 1) / number:.1f}" != "100.0"
    assert right["verb"] == right["adjective"] == "100.0"
    del captions[wrong]
    made("run", captions)
    status, _, error = call(run, "references=true")
    assert status == 1
    assert (
        "captions of 'interactions-tiny-seed0', but its run's data, 'interactions-tiny-seed0', have other"
        in error
    )


def test_other_data_need_the_english_tagger(call, made, monkeypatch):
    english_tagger.cache_clear()
    monkeypatch.setitem(sys.modules, "HanTa", None)
    run = made("run", ["a man plays a guitar"], dataset="msvd")
    status, out, error = call(run)
    assert (status, out) == (1, "")
    assert "pip install 'stgraph-captioning[words]'" in error
    status, _, error = call(run, "tagger=interactions")
    assert status == 1
    assert "'man' in 'a man plays a guitar' is not a word of the grammar of 'interactions'" in error
    status, _, error = call(run, made("toys", ["the ball"]))
    assert status == 1
    assert (
        f"{run / 'evaluation-test-scene.json'} is not of 'interactions', but others are; add tagger=english"
        in error
    )


def test_real_captions_are_counted(call, made):
    pytest.importorskip("HanTa", reason="the extra 'words' is optional: its wheel holds 14 MB of models")
    run = made("run", ["a man is playing a guitar", "a small dog is running"], dataset="msvd")
    status, out, _ = call(run)
    assert status == 0
    assert "parts of speech by HanTa" in out
    assert [str(run), "1", "0", "0", "50.0", "33.3", "16.7"] in rows(out)


def test_what_an_argument_means(call, made, tmp_path):
    run = made("run", ["the ball"])
    made("run", ["the ball", "a box"], branch="object")
    made("run", ["chases"], split="val")
    status, _, error = call(run)
    assert status == 1
    assert f"{run} has 2 evaluations of the test split; name one in place of the run, such as {run}" in error
    files = [run / f"evaluation-test-{branch}.json" for branch in ("scene", "object")]
    status, out, _ = call(*files)
    assert status == 0
    assert [
        ["noun", str(file.with_suffix("")), number] for file, number in zip(files, "12", strict=True)
    ] == [row[:3] for row in rows(out) if row[0] == "noun"]
    assert ["verb", str(run), "1", "1", "100.0"] in rows(call(run, "split=val")[1])
    for arguments, message in (
        ([run / "evaluation-val-scene.json"], "is of the val split, and splits are not mixed"),
        (
            [tmp_path / "nothing"],
            f"{tmp_path / 'nothing'} was not evaluated on the test split; run 'stgraph evaluate",
        ),
        ([run, "split=testing"], "'split' must be one of train, val, test, got 'testing'"),
        ([run, "spilt=val"], "There is no setting 'spilt'"),
        ([files[0], "tagger=nltk"], "'tagger' must be interactions, english or null, got 'nltk'"),
        ([files[0], "references=3"], "'references' must be true or false, got 3"),
        (["split=val"], "Name at least one evaluated run"),
        ([files[0], "-o", tmp_path / "no" / "words.json"], "There is no folder for"),
        ([files[0], "references=true"], "is not a run: it has no config.yaml"),
    ):
        status, out, error = call(*arguments)
        assert (status, out) == (1, "")
        assert message in error
        assert error.count("\n") == 1


def test_a_model_that_says_nothing_is_a_row_too(call, made):
    status, out, _ = call(made("silent", ["", ""]), made("talking", ["the ball"]))
    assert status == 0
    silent = next(row for row in rows(out) if row[0].endswith("silent"))
    assert silent[2:] == ["0", "0", "-", "-", "-"]
