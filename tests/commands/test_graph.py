"""``stgraph graph`` on video files, stores and runs: files of graphs, pictures, pages and videos."""

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image

from stgraph.cli import main
from stgraph.commands.argument_lists import GRAPH_FILES
from stgraph.datasets.interactions import render_video
from stgraph.graph import VideoGraph
from stgraph.settings.compose import saved_config
from stgraph.settings.training import open_data
from stgraph.video import VideoReader, write_video

DETECTOR = [
    "objects=own_detector",
    "objects.name=tests.stand_ins.Blobs",
    "objects.features=resnet18",
    "objects.features_weights=random",
    "objects.side=32",
    "graph.score_threshold=0",
]


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = main(["graph", *map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture(scope="session")
def store(trained):
    """The generated store of the shared run."""
    return open_data(saved_config(trained).data).store


@pytest.fixture(scope="session")
def file(store, tmp_path_factory):
    """One of its videos as a file, whose name needs care."""
    path = tmp_path_factory.mktemp("videos") / 'a "cat" & <b>.mp4'
    return write_video(path, render_video(store.ids[0]))


@pytest.mark.parametrize("ending", GRAPH_FILES)
def test_every_kind_of_file_of_a_stored_video(call, store, ending, tmp_path):
    video = store.ids[1]
    status, out, error = call(store.path, video, "-o", f"graph{ending}")
    assert (status, error) == (0, "")
    found = re.fullmatch(rf"Wrote graph\{ending}: 10 frames, (\d+) objects, (\d+) edges\.\n", out)
    objects, edges = int(found[1]), int(found[2])
    path = tmp_path / f"graph{ending}"
    if ending in (".graphml", ".gexf", ".json", ".pt"):
        graph = VideoGraph.load(path)
        assert (graph.num_nodes, graph.num_edges) == (objects, edges)
        frames = store.read(video).sample(10).detections
        assert torch.equal(graph.box, frames.top(5, 0.5).boxes)
        assert graph.label_names["0"] == store.label_names[0]
    elif ending == ".mp4":
        with VideoReader(path) as reader:
            times = store.read(video).sample(10).frame_time
            gap = float(times.diff().median())
            assert reader.num_frames / reader.fps == pytest.approx(float(times[-1] - times[0]) + gap, rel=0.1)
    elif ending == ".png":
        assert Image.open(path).size[0] > 600
    elif ending == ".html":
        text = path.read_text(encoding="utf-8")
        assert text.count("data:image/jpeg") == 10  # generated frames are generated again
        assert f"10 frames, {objects} objects, {edges} edges" in text
    else:
        assert path.read_bytes().startswith({".svg": b"<?xml", ".pdf": b"%PDF"}[ending])


def test_a_video_file_is_detected_and_every_frame_can_be_drawn(call, file, tmp_path):
    status, _, error = call(file, *DETECTOR, "num_frames=4", "-o", "graph.json")
    assert (status, error) == (0, "")
    graph = json.loads((tmp_path / "graph.json").read_text())
    assert {node["frame"] for node in graph["nodes"]} == {0, 1, 2, 3}
    with VideoReader(file) as reader:
        total = reader.num_frames
    assert call(file, *DETECTOR, "num_frames=null", "-o", "boxes.mp4")[0] == 0
    with VideoReader(tmp_path / "boxes.mp4") as reader, VideoReader(file) as original:
        assert reader.num_frames == total
        assert reader.fps == pytest.approx(original.fps, rel=0.02)
    status, _, _ = call(file, *DETECTOR, "num_frames=2", "-o", "page.html")
    assert "a &#34;cat&#34; &amp; &lt;b&gt;.mp4</h1>" in (tmp_path / "page.html").read_text()


def test_the_graph_of_a_run_is_the_one_that_its_model_sees(call, trained, store, tmp_path):
    from stgraph.pipeline import CaptionPipeline

    video = store.ids[2]
    assert call(trained, video, "-o", "graph.pt")[0] == 0
    captioner = CaptionPipeline.from_pretrained(trained)
    expected = captioner.builder(store.read(video).sample(captioner.config.num_frames).detections)
    graph = VideoGraph.load(tmp_path / "graph.pt")
    assert torch.equal(graph.edge_index, expected.edge_index)
    assert torch.equal(graph.edge_weight, expected.edge_weight)


def test_without_frames_no_pixel_of_the_video_is_drawn(call, store, tmp_path):
    assert call(store.path, "--no-frames", "-o", "graph.png")[0] == 0
    assert call(store.path, "--no-frames", "-o", "graph.html")[0] == 0
    assert "data:image" not in (tmp_path / "graph.html").read_text()
    picture = np.asarray(Image.open(tmp_path / "graph.png").convert("RGB")).reshape(-1, 3)
    ground = (picture == [0xE4, 0xE4, 0xE8]).all(1).mean()
    assert ground > 0.3


def test_stored_videos_without_known_files_are_drawn_empty_and_the_command_says_so(call, tmp_path):
    from tests.features.store.samples import random_video, write

    write(tmp_path / "own.h5", [random_video(0, name="cat")])
    status, _, error = call("own.h5", "cat", "-o", "graph.svg", "graph.max_objects=2")
    assert status == 0
    assert error.startswith("Frames are drawn empty: The frames of 'cat' are not stored; name the folder")


def test_wrong_uses_say_what_to_do(call, store, trained, file, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "graph.json").write_text("{}")
    for arguments, reason in (
        ((store.path, "-o", "graph.bmp"), "FILE must end in .graphml, .*, got 'graph.bmp'"),
        ((store.path, "-o", "no/graph.svg"), "There is no folder for"),
        ((tmp_path / "none.mp4", "-o", "a.svg"), "There is no video, store or run at"),
        (("empty", "-o", "a.svg"), "No shards .* in folder empty"),
        (("graph.json", "-o", "a.svg"), "got the file of a graph; read it with VideoGraph.load"),
        ((store.path, "cat", "-o", "a.svg"), "No video 'cat' among the"),
        ((store.path, "cat", "dog", "-o", "a.svg"), "One video is shown at a time, got 'cat' and 'dog'"),
        ((file, "cat", "-o", "a.svg"), "is a video file and has no video 'cat'; leave it out"),
        ((file, "objects=none", "-o", "a.svg"), "'objects' must be a detector"),
        ((trained, "num_frames=4", "-o", "a.svg"), "There is no setting 'num_frames'"),
        ((store.path, "num_frames=0", "-o", "a.svg"), "'num_frames' must be at least 1, or null, got '0'"),
        ((store.path, "sampling=all", "-o", "a.svg"), "'sampling' must be spread or chunks, got 'all'"),
        ((store.path, "graph.max_objects=none", "-o", "a.svg"), "'graph.max_objects': "),
        ((store.path, "graph.spatal=iou", "-o", "a.svg"), "did you mean 'graph.spatial'"),
    ):
        status, _, error = call(*arguments)
        assert status == 1, arguments
        assert len(error.splitlines()) == 1
        assert re.search(reason, error), (arguments, error)
