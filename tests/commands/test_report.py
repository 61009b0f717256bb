"""``stgraph report`` and ``stgraph caption --html``: pages of captions."""

import base64
import re
import shutil

import numpy as np
import pytest

from stgraph.cli import main
from stgraph.datasets.interactions import render_video
from stgraph.inspection import CaptionExample, ScoredModel, write_report
from stgraph.metrics import CaptionScores, Evaluation
from stgraph.settings.compose import saved_config
from stgraph.settings.training import open_data
from tests.inspection.browser import axe_faults, found_by

HOSTILE = '</p><script>document.title="x"</script>" \x1b[31m\u202e'


@pytest.fixture(scope="module")
def scored(trained, tmp_path_factory):
    """Two copies of the shared run, scored on the test split."""
    root = tmp_path_factory.mktemp("scored")
    first = shutil.copytree(trained, root / "a & <b>", ignore=shutil.ignore_patterns("checkpoints"))
    assert main(["evaluate", str(first), "-q"]) == 0
    return first, shutil.copytree(first, root / "other")


def test_a_report_has_scores_curves_and_captions_of_all_runs(scored, tmp_path, capsys):
    assert main(["report", *map(str, scored), "-o", str(tmp_path / "report"), "--count", "3"]) == 0
    page = tmp_path / "report" / "index.html"
    text = page.read_text(encoding="utf-8")
    evaluation = Evaluation.load(next(scored[0].glob("evaluation-test-*.json")))
    for value in evaluation.scores.values():
        assert text.count(f"<td>{100 * value:.1f}<br>") >= 2
    assert re.search(r'scope="row">a &amp; &lt;b&gt;</th>', text)
    shown = re.findall(r"<h3>(.*?)</h3>", text)
    assert len(shown) == 3
    for video in shown:
        assert text.count(f"<p>{evaluation.captions[video]}</p>") >= 2
    curves = base64.b64decode(re.search(r"svg\+xml;base64,([^\"]*)", text)[1]).decode()
    assert "train/loss" in curves
    assert text.count("data:image/jpeg") == 15
    found = found_by("found.scripts = document.scripts.length", page, tmp_path, 400)
    assert found["overflow"] <= 0
    assert found["scripts"] == 1  # the one of this test
    assert axe_faults(page, tmp_path, 400, dark=True) == []


def test_text_from_outside_is_text(tmp_path):
    example = CaptionExample(HOSTILE, {HOSTILE: HOSTILE}, (HOSTILE,), np.zeros((1, 8, 8, 3), np.uint8))
    model = ScoredModel(HOSTILE, CaptionScores({HOSTILE: 0.5}, {HOSTILE: {"a": 0.5, "b": 0.5}}))
    write_report(tmp_path / "page.html", [example], [model], title=HOSTILE)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.count("document.title=") == 8


def test_captions_of_stored_videos_as_a_page(trained, tmp_path, capsys):
    data = open_data(saved_config(trained).data)
    videos = data.corpus.ids("test")[:2]
    page = tmp_path / "page.html"
    assert main(["caption", *videos, "--model", str(trained), "--html", str(page)]) == 0
    printed = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"<h3>(.*?)</h3>", text) == list(videos)
    assert all(f"<p>{caption}</p>" in text for caption in printed.values())
    assert text.count("data:image/jpeg") == 10
    assert data.corpus[videos[0]].captions[0] in text
    assert render_video(videos[0]).ndim == 4


def test_wrong_uses_say_what_to_do(scored, trained, tmp_path, capsys):
    for arguments, reason in (
        (["report", scored[0], "-o", tmp_path / "no" / "where"], "There is no folder for"),
        (["report", tmp_path / "none", "-o", tmp_path / "r"], "train one with 'stgraph train"),
        (["report", scored[0], "--split", "val", "-o", tmp_path / "r"], "split=val' first"),
        (["report", scored[0], "--split", "all", "-o", tmp_path / "r"], "'--split' must be one of"),
        (["report", scored[0], "--count", "0", "-o", tmp_path / "r"], "'--count' must be at least 1"),
        (
            ["caption", "a", "--model", trained, "--html", tmp_path / "no" / "p.html"],
            "There is no folder for",
        ),
        (["caption", tmp_path, "--model", trained], "has a video's ending"),
    ):
        assert main(list(map(str, arguments))) == 1
        error = capsys.readouterr().err
        assert re.search(reason, error), (arguments, error)
