import json
import re

import pytest

from stgraph.cli import main
from stgraph.commands.demo import example_video, print_examples
from tests.training.conftest import SMALL

CALL = ("demo", *SMALL[1:], "trainer.max_epochs=2", "trainer.check_val_every_n_epoch=1")


def test_the_demo_shows_four_rows_five_captions_and_a_picture_and_can_be_run_again(tmp_path, capsys):
    run = tmp_path / "demo"
    for _ in range(2):
        assert main([*CALL, f"run={run}"]) == 0
    out = capsys.readouterr().out
    result = json.loads((run / "result.json").read_text())
    assert set(result["rows"]) == {"scene", "object", "nearest", "frequent"}
    metrics = {"BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr", "noun", "verb"}
    assert all(set(row) == metrics for row in result["rows"].values())
    assert {"seconds", "split", "seed", "commit", "versions"} <= set(result)
    assert result["split"] == "test"
    # The nearest neighbour copies a training caption, so it shares words with the references; an untrained model doesn't.
    assert result["rows"]["nearest"]["BLEU-1"] > 0.3
    assert len(re.findall(r"^interactions-0-\d+$", out, re.MULTILINE)) == 10
    assert (run / "graph.png").read_bytes().startswith(b"\x89PNG")


def test_an_unfinished_demo_goes_on_and_another_run_is_never_cleared_away(tmp_path, capsys, monkeypatch):
    run, call = tmp_path / "demo", [*CALL[:-2], "trainer.max_epochs=1", "trainer.check_val_every_n_epoch=1"]

    def stopped(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        # Ctrl-C between the teacher and what it teaches, for which it is loaded
        patched.setattr("stgraph.training.run.load_teacher", stopped)
        assert main([*call, f"run={run}"]) == 130
    taught = (run / "teacher" / "model.safetensors").stat().st_mtime_ns
    assert not (run / "checkpoints").exists()
    with monkeypatch.context() as patched:
        patched.setattr("stgraph.commands.demo.all_captions", stopped)  # between training and scoring
        assert main([*call, f"run={run}"]) == 130
    assert main([*call, f"run={run}", "seed=5"]) == 1  # a run with other settings must not be deleted
    assert "holds a run already" in capsys.readouterr().err
    before = (run / "checkpoints" / "last.ckpt").stat().st_mtime_ns
    assert main([*call, f"run={run}"]) == 0
    assert (
        run / "checkpoints" / "last.ckpt"
    ).stat().st_mtime_ns == before  # resumed after its last step, not repeated
    assert (run / "teacher" / "model.safetensors").stat().st_mtime_ns == taught


def test_another_experiment_is_trained_in_one_go_without_a_teacher(tmp_path, monkeypatch):
    trained = []

    def train(config):
        trained.append((config.teacher, list(config.model.branches)))
        raise KeyboardInterrupt

    monkeypatch.setattr("stgraph.commands.demo.train", train)
    assert main(["demo", *SMALL, f"run={tmp_path / 'published'}"]) == 130
    assert main(["demo", *SMALL[1:], f"run={tmp_path / 'recommended'}"]) == 130
    assert trained == [(None, ["scene", "object"]), (None, ["object"])]


REFERENCES = {"a": ["the red ball pushes the blue box"], "b": ["the red ball meets the blue box"]}


def test_the_example_is_the_first_video_that_the_first_branch_describes_rightly():
    wrong, right = "the red ball pushes the blue cone", "the blue box is pushed by the red ball"
    assert example_video(
        {"scene": {"a": wrong, "b": "the red ball meets the blue box"}}, REFERENCES, ["scene"]
    ) == (
        "b",
        "the first test video that the scene branch describes rightly",
    )
    captions = {"scene": {"a": wrong, "b": wrong}, "object": {"a": right, "b": wrong}}
    assert example_video(captions, REFERENCES, ["scene", "object"])[0] == "a"
    assert example_video(captions, REFERENCES, ["scene"]) == (
        "a",
        "the first test video; no caption is wholly right",
    )


def test_right_and_wrong_words_are_marked_without_colour(capsys):
    print_examples({"scene": {"a": "the red ball jumps over the blue box", "b": ""}}, REFERENCES)
    out = capsys.readouterr().out
    assert "the +red ball+ -jumps over- the +blue box+" in out
    assert "scene branch: actor, verb and patient all right in 0 of 2 videos" in out


@pytest.mark.parametrize("override", ["data=msvdd", "trainer.max_epoch=1"])
def test_wrong_settings_of_the_demo_are_named(override, tmp_path, capsys):
    assert main(["demo", f"run={tmp_path / 'demo'}", override]) == 1
    assert override.split("=")[1 if "data" in override else 0] in capsys.readouterr().err


def test_the_demo_is_for_one_process(tmp_path, capsys):
    assert main([*CALL, f"run={tmp_path / 'demo'}", "trainer.devices=2", "trainer.strategy=ddp"]) == 1
    assert "The demo runs in one process, got trainer.devices=2" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()
