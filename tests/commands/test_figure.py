"""``stgraph figure`` on the tiny generated run, whose videos need no files."""

import re
import shutil

import pytest
from PIL import Image

from stgraph.cli import main
from stgraph.commands.argument_lists import FIGURES


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = main(["figure", *map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture(scope="session")
def evaluated(trained, tmp_path_factory):
    """A copy of the shared run, scored on the test split."""
    run = shutil.copytree(trained, tmp_path_factory.mktemp("evaluated") / "run")
    assert main(["evaluate", str(run), "-q"]) == 0
    return run


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_of_a_trained_run(call, evaluated, name, tmp_path):
    status, out, error = call(name, evaluated, "-o", f"{name}.png")
    assert (status, error) == (0, "")
    assert out.endswith(f"Wrote {name}.png.\n")
    width, height = Image.open(tmp_path / f"{name}.png").size
    assert width > 600
    assert height > 150


def test_a_table_of_text(call, evaluated, tmp_path):
    status, out, error = call("captions", evaluated, "--frames", 0, "--count", 2)
    assert (status, error) == (0, "")
    assert out == "Wrote captions.svg.\n"
    assert (tmp_path / "captions.svg").read_text().count("reference") == 2


def test_wrong_uses_say_what_to_do(call, evaluated, tmp_path):
    for arguments, reason in {
        (
            "pie",
            evaluated,
        ): "NAME must be one of attention, saliency, captions, words, sharpness, got 'pie'",
        ("attention", tmp_path / "none"): "train one with 'stgraph train",
        ("attention", evaluated, evaluated): "draws one run, got 2; name one",
        ("saliency", evaluated, "--branch", "object"): "reads no frames, .* choose --branch scene",
        ("saliency", evaluated, "--branch", "side"): "'branch' must be one of",
        ("attention", evaluated, "--video", "cat"): "'cat' is neither a file nor a video of the data",
        ("attention", evaluated, "--video", "a", "--video", "b"): "give --video once",
        ("attention", evaluated, "--branch", "a", "--branch", "b"): "give --branch once",
        ("words", evaluated, "--split", "all"): "'--split' must be one of train, val, test, got 'all'",
        ("words", evaluated, "--split", "val"): "split=val' first",
        ("captions", evaluated, "--count", "0"): "'--count' must be at least 1, got 0",
        ("captions", evaluated, "--video", "cat"): "'cat' is not in the test split of every run",
        ("words", evaluated, "-o", "no/where.png"): "There is no folder for",
        ("words", evaluated, "-o", "a.bmp2"): "A picture must end in one of",
        ("attention", evaluated, "--videos", tmp_path): "No file in .* has a video's ending",
    }.items():
        status, _, error = call(*arguments)
        assert status == 1, arguments
        assert len(error.splitlines()) == 1
        assert re.search(reason, error), (arguments, error)
