"""What commands print shows no character of a file, an argument or a warning that a terminal would obey."""

import json
import warnings

import pytest

from stgraph.cli import main
from stgraph.commands.arguments import COMMANDS
from stgraph.commands.console.output import say
from stgraph.commands.demo import print_examples
from stgraph.metrics import CaptionScores, Evaluation

EVIL = "\x1b[2J\x1b]0;mine\x07\rok\x9b\u202e\u2066"
ESCAPED = r"\x1b[2J\x1b]0;mine\x07\rok\x9b\u202e\u2066"

WRONG = {  # arguments that name a file which isn't there, or a value which isn't known
    "demo": [f"run={EVIL}", f"data={EVIL}"],
    "data": ["msvd", EVIL],
    "extract": [EVIL, "store.h5"],
    "train": [f"data={EVIL}"],
    "evaluate": [EVIL],
    "compare": [EVIL, EVIL],
    "words": [EVIL],
    "caption": [EVIL, "--model", EVIL],
    "ablate": [f"table={EVIL}"],
    "graph": [EVIL, "-o", "graph.json"],
    "figure": ["saliency", EVIL],
    "inspect": [EVIL, "-o", "page.html"],
    "report": [EVIL, "-o", "report"],
    "store": ["info", EVIL],
    "doctor": [EVIL],
    "completion": [EVIL],
}


@pytest.fixture
def printed(capsys):
    """Checks all that was printed, and returns it."""

    def check():
        captured = capsys.readouterr()
        text = captured.out + captured.err
        assert text.replace("\n", "").replace("\t", "").isprintable(), repr(text)
        return text

    return check


@pytest.mark.parametrize("name", COMMANDS)
def test_wrong_arguments_are_shown_escaped_by_every_command(name, printed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        status = main([name, *WRONG.get(name, [EVIL])])
    except SystemExit as stop:  # of argparse
        status = stop.code
    assert status in (1, 2)
    assert r"\x1b[2J" in printed()


def test_an_unknown_command_is_shown_escaped(printed):
    assert main([EVIL]) == 2
    assert ESCAPED in printed()


def evaluation(run, branch, captions, dataset="interactions-tiny-seed0"):
    run.mkdir(exist_ok=True)
    scores = CaptionScores({"CIDEr": 0.5}, {"CIDEr": dict.fromkeys(captions, 0.5)})
    Evaluation(dataset, "test", branch, captions, scores).save(run / f"evaluation-test-{branch}.json", {})


def test_captions_ids_and_paths_of_evaluations_are_shown_escaped(printed, tmp_path):
    run = tmp_path / f"run{EVIL}"
    for branch in ("scene", "object"):
        evaluation(run, branch, {f"v{EVIL}": f"a {EVIL} dog runs"}, f"mine-{EVIL}")
    assert main(["compare", str(run), str(run), "branch_a=scene", "branch_b=object"]) == 0
    text = printed()
    assert f"mine-{ESCAPED}, test split" in text
    assert f"v{ESCAPED}\n" in text
    assert f"a {ESCAPED} dog runs" in text


def test_names_of_counted_runs_are_shown_escaped(printed, tmp_path):
    evaluation(tmp_path / f"run{EVIL}", "scene", {"v": "the ring enters"})
    assert main(["words", str(tmp_path / f"run{EVIL}"), "references=false"]) == 0
    assert f"run{ESCAPED}" in printed()


def test_names_of_files_of_a_data_set_are_shown_escaped(printed, tmp_path):
    for name in (f"{EVIL}.avi", "holiday.mp4"):
        (tmp_path / name).touch()
    (tmp_path / "captions.json").write_text(json.dumps({f"vid1{EVIL}": ["a dog"], "vid2": [f"a cat {EVIL}"]}))
    assert main(["data", "msvd", str(tmp_path), "--names-only"]) == 1
    assert ESCAPED in printed()


def test_captions_and_references_of_the_demo_are_shown_escaped(printed):
    captions = {"scene": {f"v{EVIL}": f"a {EVIL}"}}
    print_examples(captions, {f"v{EVIL}": [f"the {EVIL}", "the red ball pushes the blue box"]})
    text = printed()
    assert f"a {ESCAPED}" in text
    assert f"the {ESCAPED}" in text


def test_warnings_of_a_command_are_shown_escaped(printed, monkeypatch):
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    assert main(["completion", "bash"]) == 0
    assert r"\x1b[2J" in warnings.formatwarning(EVIL, UserWarning, "file.py", 1, "line")
    printed()


def test_line_breaks_and_tabs_are_kept(capsys):
    say("id\ta dog\n\x1b", end="")
    assert capsys.readouterr().out == "id\ta dog\n\\x1b"
