"""Pages hold text as text, say what they leave out, and work in a browser."""

import json
import re

import numpy as np
import pytest
import torch

import stgraph as sg
from stgraph.errors import OptionError, ShapeError
from stgraph.inspection.grounding import Grounding
from stgraph.inspection.html import CaptionView, write_page
from tests.inspection.browser import axe_faults, found_by

HOSTILE = '</script><script>document.title=\'attacked\'</script>" onmouseover="x" \x1b[31m'


@pytest.fixture(scope="module")
def graph():
    generator = torch.Generator().manual_seed(0)
    corner = torch.rand(12, 2, generator=generator) * 60
    detections = sg.Detections(
        boxes=torch.cat([corner, corner + 30], dim=1),
        scores=torch.linspace(0.5, 1, 12),
        labels=torch.arange(12) % 3,
        features=torch.rand(12, 8, generator=generator),
        frame=torch.arange(12) // 3,
        num_frames=4,
        size=(96, 96),
    )
    return sg.VideoGraphBuilder()(detections)


def captions(graph, name="STG-KD"):
    words = ["a", "ball", HOSTILE, "(end)"]
    frames = torch.eye(4)  # word t rests on frame t
    nodes = torch.zeros(4, graph.num_nodes)
    nodes[range(4), [0, 4, 7, 11]] = 1.0
    return CaptionView(name, words, frames, nodes, {"log-probability": -2.5})


@pytest.fixture(scope="module")
def page(graph, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.html"
    frames = np.zeros((4, 96, 96, 3), np.uint8)
    write_page(
        path,
        graph,
        frames,
        captions=[captions(graph), captions(graph, HOSTILE)],
        references=["a ball rolls", HOSTILE],
        label_names=["ball", "box", HOSTILE],
        title=HOSTILE,
    )
    return path


def data_of(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1]
    )


def test_text_from_outside_is_text_and_nothing_is_loaded(page):
    text = page.read_text(encoding="utf-8")
    assert text.count("<script") == 2
    assert text.count("</script>") == 2
    assert "\x1b" not in text
    assert "attacked" in text  # as text
    assert set(re.findall(r"https?://[^\"' ]+", text)) == {"http://www.w3.org/2000/svg"}
    assert set(re.findall(r'(?:src|href)="?([^" >]*)', text)) <= {""}


def test_every_edge_has_its_weight_and_its_share_of_the_mean(graph, page):
    data = data_of(page)
    assert data["num_edges"] == len(data["edges"]) == graph.num_edges
    for (i, j, weight, share), e in zip(data["edges"], range(graph.num_edges), strict=True):
        assert [i, j] == graph.edge_index[:, e].tolist()
        row = (graph.edge_index[0] == i) & (graph.edge_kind == graph.edge_kind[e])
        assert weight == pytest.approx(float(graph.edge_weight[e]), rel=1e-3)
        assert share == pytest.approx(float(graph.edge_weight[e] / graph.edge_weight[row].mean()), abs=1e-3)


def test_a_long_video_is_thinned_and_the_page_says_so(tmp_path):
    detections = sg.Detections(
        boxes=torch.tensor([[0.0, 0, 9, 9]]).repeat(2800, 1),
        scores=torch.rand(2800),
        features=torch.ones(2800, 2),
        frame=torch.arange(2800) // 28,
        num_frames=100,
        size=(20, 20),
    )
    graph = sg.VideoGraphBuilder()(detections)
    write_page(tmp_path / "page.html", graph, start=30)
    data = data_of(tmp_path / "page.html")
    assert [len(data[name]) for name in ("frames", "nodes", "edges")] == [60, 1500, 6000]
    assert data["frames"][0]["title"] == "frame 30"
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "frames 30 to 89 of 100" in text
    assert "1,500 objects of highest score of 1,680" in text
    assert re.search(r"6,000 edges of largest relative weight of [\d,]+ ", text)


def test_a_video_without_objects_has_a_page(tmp_path):
    detections = sg.Detections(
        boxes=torch.zeros(0, 4), scores=torch.zeros(0), features=torch.zeros(0, 2),
        frame=torch.zeros(0, dtype=torch.long), num_frames=2, size=(20, 20),
    )  # fmt: skip
    write_page(tmp_path / "page.html", sg.VideoGraphBuilder()(detections))
    assert data_of(tmp_path / "page.html")["nodes"] == []


def test_wrong_shapes_are_refused(graph, tmp_path):
    with pytest.raises(ShapeError, match=r"'frames' must be \[T=4, H, W, 3\]"):
        write_page(tmp_path / "page.html", graph, np.zeros((3, 8, 8, 3), np.uint8))
    with pytest.raises(ShapeError, match=r"'nodes' of a caption must be \[1, 12\]"):
        write_page(tmp_path / "page.html", graph, captions=[CaptionView("x", ["a"], nodes=torch.zeros(1, 5))])
    with pytest.raises(OptionError, match="'start' must be a frame in 0..3"):
        write_page(tmp_path / "page.html", graph, start=4)


TRIAL = """
  const boxes = [...document.querySelectorAll("#frames rect[fill-opacity]")];
  const opaque = () => boxes.map((box) => Number(box.getAttribute("fill-opacity")));
  found.before = Number(body.dataset.edges);
  const slider = document.getElementById("threshold");
  slider.value = slider.max;
  slider.dispatchEvent(new Event("input"));
  found.after = Number(body.dataset.edges);
  slider.value = 0;
  document.getElementById("time").checked = false;
  slider.dispatchEvent(new Event("input"));
  found.space = Number(body.dataset.edges);
  document.querySelectorAll(".word")[1].click();
  found.lit = opaque().map((value, i) => value > 0.5 ? i : -1).filter((i) => i >= 0);
  found.status = document.getElementById("status").textContent;
  document.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape"}));
  found.cleared = opaque().every((value) => value === 0);
  const box = document.getElementById("graph");
  const whole = box.getAttribute("viewBox");
  box.dispatchEvent(new KeyboardEvent("keydown", {key: "+"}));
  found.zoomed = box.getAttribute("viewBox") !== whole;
  found.title = document.title;
"""


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_works_in_a_browser(page, graph, tmp_path, width, dark):
    found = found_by(TRIAL, page, tmp_path, width, dark=dark)
    assert found["before"] > found["after"] > 0
    assert found["space"] == int((graph.edge_kind == sg.EdgeKind.SPACE).sum())
    assert found["lit"] == [4]  # the box that the second word rests on
    assert found["status"].startswith("“ball” rests most on frame 1 (100 %) and box")
    assert found["cleared"]
    assert found["zoomed"]
    assert found["overflow"] <= 0
    assert found["title"].startswith("</script><script>document.title='attacked'")


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (400, True)])
def test_axe_finds_no_serious_fault(page, tmp_path, width, dark):
    assert axe_faults(page, tmp_path, width, dark=dark) == []


def test_a_grounding_is_shown_without_its_negative_weights():
    grounding = Grounding(
        "cat", "a cat", ("a", "cat", "(end)"), torch.tensor([-0.5, -1.0, -0.25]), "object", "occlusion",
        frames=torch.tensor([[0.5, -0.5], [1.0, 0.0], [0.0, 0.25]]), nodes=None, frame=None, cells=None,
    )  # fmt: skip
    view = CaptionView.of(grounding, scores={"CIDEr": 0.7})
    assert (view.name, view.words) == ("object branch", ("a", "cat", "(end)"))
    assert view.frames.tolist() == [[0.5, 0.0], [1.0, 0.0], [0.0, 0.25]]
    assert view.nodes is None
    assert view.scores == {"log-probability": -1.75, "CIDEr": 0.7}


def test_on_paper_the_strip_is_cut_into_rows_and_references_are_open(page, tmp_path):
    script = """
      dispatchEvent(new Event("beforeprint"));
      dispatchEvent(new Event("beforeprint"));
      const rows = [...document.querySelectorAll("#printed svg")];
      found.rows = rows.map((row) => row.getAttribute("viewBox").split(" ").map(Number));
      found.open = document.querySelector("details").open;
      found.shown = getComputedStyle(document.getElementById("printed")).display;"""
    found = found_by(script, page, tmp_path)
    step = 190 + 28  # a square frame and its gap
    columns = round(1000 / step)
    assert found["rows"] == [[0, 0, columns * step, 190 + 22 + 6]]  # four frames fill one row
    assert found["open"]
    assert found["shown"] == "none"  # but for paper
