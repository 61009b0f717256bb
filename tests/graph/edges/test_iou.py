import math

import pytest
import torch

from stgraph.errors import OptionError
from stgraph.graph import IouEdges, iou_edges
from stgraph.graph.edges import blocks
from tests.graph.samples import random_video
from tests.reference.graphs import space_time_matrix


def dense(edges, num_nodes):
    matrix = torch.zeros(num_nodes, num_nodes, dtype=edges[1].dtype)
    matrix[edges[0][0], edges[0][1]] = edges[1]
    return matrix


def test_matches_the_formula_worked_by_hand():
    # Two boxes of area 4 that share an area of 2 (IoU 1/3), and one apart from both.
    boxes = torch.tensor([[0.0, 0, 2, 2], [1, 0, 3, 2], [7, 7, 8, 9]])
    weight = dense(iou_edges(boxes, torch.zeros(3, 1), torch.tensor([4, 4, 4])), 3)
    e, e3 = math.e, math.exp(1 / 3)
    expected = torch.tensor([[e, e3, 1], [e3, e, 1], [1, 1, e]])
    torch.testing.assert_close(weight, expected / expected.sum(dim=1, keepdim=True))


def test_rows_are_normalised_so_the_block_is_not_symmetric():
    boxes = torch.tensor([[0.0, 0, 2, 2], [1, 0, 3, 2], [7, 7, 8, 9]])
    weight = dense(iou_edges(boxes, torch.zeros(3, 1), torch.zeros(3, dtype=torch.long)), 3)
    torch.testing.assert_close(weight.sum(dim=1), torch.ones(3))
    assert float((weight - weight.T).abs().max()) > 0.01


@pytest.mark.parametrize("seed", range(8))
def test_equals_the_loops(seed):
    video = random_video(seed, num_frames=7, most=6)
    edge_index, weight = iou_edges(video.boxes, video.features, video.frame)
    expected, linked = space_time_matrix(
        video.boxes, video.features, video.frame.tolist(), video.num_frames, temporal=False
    )
    assert edge_index.T.tolist() == torch.from_numpy(linked).nonzero().tolist()  # also the order: by (i, j)
    torch.testing.assert_close(weight.double(), torch.from_numpy(expected[linked]), atol=1e-6, rtol=0)


def test_box_without_area_overlaps_with_nothing():
    boxes = torch.tensor([[0.0, 0, 0, 0], [0, 0, 2, 2], [0, 0, 0, 0]])
    weight = dense(iou_edges(boxes, torch.zeros(3, 1), torch.zeros(3, dtype=torch.long)), 3)
    torch.testing.assert_close(weight[0], torch.full((3,), 1 / 3))
    torch.testing.assert_close(weight[1], torch.tensor([1, math.e, 1]) / (2 + math.e))


def test_chunks_do_not_change_the_answer(monkeypatch):
    video = random_video(3, num_frames=12, most=6)
    whole = iou_edges(video.boxes, video.features, video.frame)
    monkeypatch.setattr(blocks, "_CHUNK", 80)
    for got, expected in zip(iou_edges(video.boxes, video.features, video.frame), whole, strict=True):
        assert torch.equal(got, expected)


def test_no_boxes_no_edges():
    edge_index, weight = iou_edges(torch.zeros(0, 4), torch.zeros(0, 3), torch.zeros(0, dtype=torch.long))
    assert edge_index.shape == (2, 0)
    assert edge_index.dtype == torch.long
    assert weight.shape == (0,)


@pytest.mark.parametrize("temperature", [0.001, 0.05, 0.5, 3.0])
def test_temperature_equals_the_loops(temperature):
    video = random_video(11, num_frames=7, most=6)
    edge_index, weight = IouEdges(temperature)(video.boxes, video.features, video.frame)
    expected, linked = space_time_matrix(
        video.boxes,
        video.features,
        video.frame.tolist(),
        video.num_frames,
        temporal=False,
        # exp(1 / 0.001) overflows float64, but the weights are 0 and 1 already at 0.01.
        spatial_temperature=max(temperature, 0.01),
    )
    assert edge_index.T.tolist() == torch.from_numpy(linked).nonzero().tolist()
    torch.testing.assert_close(weight.double(), torch.from_numpy(expected[linked]), atol=1e-5, rtol=0)


def test_temperature_one_is_the_papers_rule():
    video = random_video(3, num_frames=12, most=6)
    for got, expected in zip(
        IouEdges()(video.boxes, video.features, video.frame),
        iou_edges(video.boxes, video.features, video.frame),
        strict=True,
    ):
        assert torch.equal(got, expected)


@pytest.mark.parametrize("value", [0, -1.0, 0.0009, math.inf, math.nan])
def test_wrong_temperature_is_named(value):
    with pytest.raises(OptionError, match=f"'temperature' must be .* at least 0.001, got {value}"):
        IouEdges(value)
