"""What notebooks show of graphs, detections, captions and scores."""

from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch

from stgraph import Detections, VideoGraphBuilder
from stgraph.metrics import CaptionScores, Predictions
from stgraph.models import Caption

EVIL = "<script>alert('x')</script>\x1b[2J"


class Text(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.words = set(), []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.words.append(data)


def detections(number=2):
    return Detections(
        boxes=[[0, 0, 10 + n, 10] for n in range(number)],
        scores=[0.5] * number,
        features=torch.ones(number, 2),
        frame=[0] * number,
        num_frames=1,
        size=(20, 30),
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (detections(), {"2 boxes in 1 frames of 30 x 20 pixels", "0, 0, 11, 10", "0.50"}),
        (detections(12), {"and 2 more"}),
        (VideoGraphBuilder()(detections(), video_id="v"), {"VideoGraph of v", "edges, space", "4"}),
        (Caption("v", "a cat", (-0.1, -0.2, 0.0)), {"v: a cat", "cat", "(end)", "0.82"}),
        (Caption("v", "a cat", (-0.1,)), {"v: a cat"}),
        (CaptionScores({"CIDEr": 0.5}, {"CIDEr": {"a": 0.5}}), {"Scores of 1 video", "CIDEr", "0.5000"}),
        (Predictions(np.eye(2), np.array([0, 1]), ("no", "yes")), {"Scores of 2 targets", "1.0000"}),
    ],
)
def test_what_a_notebook_shows(value, words):
    found = Text(value._repr_html_())
    assert words <= set(found.words)
    assert found.tags <= {"p", "table", "thead", "tbody", "tr", "th", "td"}


def test_batches_and_graphs_whose_edges_were_changed():
    graph = VideoGraphBuilder()(detections())
    assert "frames" in Text(Batch.from_data_list([graph, graph])._repr_html_()).words
    graph.edge_index = graph.edge_index[:, :1]
    assert {"edges", "1"} <= set(Text(graph._repr_html_()).words)


def test_hostile_text_is_shown_as_text():
    found = Text(Caption(EVIL, EVIL, ())._repr_html_())
    assert "script" not in found.tags
    assert "\x1b" not in "".join(found.words)
    assert "<script>" in "".join(found.words)
