"""Edges from each box to the nearest ones of its frame."""

import pytest
import torch

from stgraph import Detections
from stgraph.errors import OptionError
from stgraph.graph import EdgeKind, NearestEdges, VideoGraphBuilder
from tests.graph.memory import Allocations
from tests.graph.samples import random_video
from tests.reference.nearest import nearest_edges

VIDEOS = [random_video(seed, num_frames=5, most=7) for seed in range(8)]


@pytest.mark.parametrize("k", [1, 3, 10])
def test_equals_the_loops_alone_and_in_a_batch(k):
    builder = VideoGraphBuilder(NearestEdges(k), None)
    for video, graph in zip(VIDEOS, builder.build_batch(VIDEOS).to_data_list(), strict=True):
        expected = sorted(nearest_edges(graph.box.double().tolist(), graph.frame.tolist(), k))
        for got in (graph, builder(video)):
            assert list(map(tuple, got.edge_index.T.tolist())) == expected
            assert set(got.edge_weight.tolist()) <= {1.0}
            assert set(got.edge_kind.tolist()) <= {EdgeKind.SPACE}


def test_touching_boxes_come_first_then_the_nearer_centre_then_the_earlier_box():
    boxes = torch.tensor(
        [[10.0, 10, 20, 20], [0, 10, 9, 20], [15, 10, 39, 20], [20, 10, 24, 20], [20, 10, 24, 20]]
    )
    edges, _ = NearestEdges(2)(boxes, torch.zeros(5, 1), torch.zeros(5).long())
    assert edges[1, edges[0] == 0].tolist() == [
        3,
        4,
    ]  # 2 to 4 touch it, 2 with the farthest centre; 1 is apart


def test_absent_objects_have_no_edges():
    video = Detections(
        boxes=[[0.0, 0, 2, 2], [3, 0, 5, 2]],
        scores=[0.9, 0.8],
        features=[[1.0], [1.0]],
        frame=[0, 0],
        num_frames=2,
        size=(9, 9),
    )
    graph = VideoGraphBuilder("nearest", None, max_objects=4, pad_objects=4)(video)
    assert graph.edge_index.tolist() == [[0, 1], [1, 0]]


def test_memory_grows_with_the_number_of_frames():
    def work(num_frames):
        video = random_video(0, counts=[6] * num_frames)
        with Allocations() as allocations:
            VideoGraphBuilder("nearest", None)(video)
        return allocations.total

    totals = [work(num_frames) for num_frames in (200, 400, 800)]
    assert totals[2] - totals[1] < 2.5 * (totals[1] - totals[0])


@pytest.mark.parametrize("k", [0, -1, True, 1.5, None])
def test_wrong_numbers_are_refused(k):
    with pytest.raises(OptionError, match="'k'"):
        NearestEdges(k)
