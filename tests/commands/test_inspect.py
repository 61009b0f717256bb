"""``stgraph inspect``: pages with the captions of a run."""

import json
import re
import shutil

import pytest

from stgraph.cli import main
from stgraph.settings.compose import saved_config
from stgraph.settings.training import open_data
from tests.inspection.page_checks import check_page


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = main(["inspect", *map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def data_of(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1]
    )


def test_captions_of_two_runs_light_up_frames_and_boxes(call, trained, tmp_path):
    other = shutil.copytree(trained, tmp_path / "other", ignore=shutil.ignore_patterns("checkpoints"))
    data = open_data(saved_config(trained).data)
    video = data.corpus.ids("test")[1]
    status, out, error = call(trained, video, "--compare", other, "--method", "occlusion", "-o", "page.html")
    assert (status, error) == (0, "")
    lines = out.splitlines()
    assert [line.partition(":")[0] for line in lines[:-1]] == [
        "run scene", "run object", "other scene", "other object"
    ]  # fmt: skip
    assert lines[0].partition(": ")[2] == lines[2].partition(": ")[2]
    found = data_of(tmp_path / "page.html")
    scene, boxes, *_ = found["captions"]
    assert scene["nodes"] is None
    words = len(lines[1].partition(": ")[2].split())
    assert len(boxes["nodes"]) >= words
    assert all(len(row) == len(found["nodes"]) for row in boxes["nodes"])
    assert min(map(min, boxes["nodes"])) >= 0 < max(map(max, boxes["nodes"]))
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert all(f"<li>{reference}</li>" in text for reference in data.corpus[video].captions)
    check_page(tmp_path / "page.html", tmp_path, pictures=len(found["frames"]))


def test_a_store_has_a_page_without_captions(call, trained, tmp_path):
    store = open_data(saved_config(trained).data).store
    assert call(store.path, store.ids[0], "--no-frames", "-o", "page.html")[::2] == (0, "")
    assert data_of(tmp_path / "page.html")["captions"] == []


def test_wrong_uses_say_what_to_do(call, trained):
    store = open_data(saved_config(trained).data).store
    for arguments, reason in (
        ((trained, "-o", "page.svg"), "FILE must end in .html, got 'page.svg'"),
        (
            (trained, "--method", "guess", "-o", "p.html"),
            "'--method' must be one of attention, .*, got 'guess'",
        ),
        ((trained, "--branch", "side", "-o", "p.html"), "'branch' must be one of"),
        ((trained, "cat", "-o", "p.html"), "'cat' is neither a file nor a video of the data"),
        ((store.path, "--branch", "scene", "-o", "p.html"), "'--branch' is about captions, which a run has"),
        ((store.path, "--compare", trained, "-o", "p.html"), "'--compare' is about captions"),
        ((trained, "--compare", trained, "-o", "p.html"), "A run must be named only once"),
    ):
        status, _, error = call(*arguments)
        assert status == 1, arguments
        assert re.search(reason, error), (arguments, error)
