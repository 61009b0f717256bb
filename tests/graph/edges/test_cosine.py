import math

import pytest
import torch

from stgraph.graph import cosine_edges
from stgraph.graph.edges import blocks
from tests.graph.samples import random_video
from tests.reference.graphs import space_time_matrix

BOXES = torch.zeros(4, 4)


def test_matches_the_formula_worked_by_hand():
    # One object, then three: the same direction, opposite, at a right angle.
    features = torch.tensor([[3.0, 0], [5, 0], [-1, 0], [0, 0.1]])
    edge_index, weight = cosine_edges(BOXES, features, torch.tensor([2, 3, 3, 3]))
    assert edge_index.tolist() == [[0, 0, 0], [1, 2, 3]]
    expected = torch.tensor([math.e, 1 / math.e, 1])
    torch.testing.assert_close(weight, expected / expected.sum())


@pytest.mark.parametrize("seed", range(8))
def test_equals_the_loops(seed):
    video = random_video(seed, num_frames=9, most=5, width=33)
    edge_index, weight = cosine_edges(video.boxes, video.features, video.frame)
    expected, linked = space_time_matrix(
        video.boxes, video.features, video.frame.tolist(), video.num_frames, spatial=False
    )
    assert edge_index.T.tolist() == torch.from_numpy(linked).nonzero().tolist()
    torch.testing.assert_close(weight.double(), torch.from_numpy(expected[linked]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_wide_features_of_any_scale_equal_the_loops(scale):
    video = random_video(1, counts=[3, 3, 3], width=2048)
    _, weight = cosine_edges(video.boxes, video.features * scale, video.frame)
    expected, linked = space_time_matrix(video.boxes, video.features, video.frame.tolist(), 3, spatial=False)
    torch.testing.assert_close(weight.double(), torch.from_numpy(expected[linked]), atol=1e-6, rtol=0)


def test_frame_without_objects_cuts_the_chain():
    edge_index, _ = cosine_edges(BOXES, torch.ones(4, 2), torch.tensor([0, 1, 3, 4]))
    assert edge_index.tolist() == [[0, 2], [1, 3]]


def test_cosine_with_zeros_is_zero():
    features = torch.tensor([[0.0, 0], [1, 2], [3, 4], [0, 0]])
    _, weight = cosine_edges(BOXES, features, torch.tensor([0, 0, 1, 1]))
    cosine = 11 / (5 * math.sqrt(5))
    share = math.exp(cosine) / (math.exp(cosine) + 1)
    torch.testing.assert_close(weight, torch.tensor([0.5, 0.5, share, 1 - share]))


def test_chunks_do_not_change_the_answer(monkeypatch):
    video = random_video(5, num_frames=12, most=5, width=16)
    edge_index, weight = cosine_edges(video.boxes, video.features, video.frame)
    monkeypatch.setattr(blocks, "_CHUNK", 5 * 16)
    chunked_index, chunked_weight = cosine_edges(video.boxes, video.features, video.frame)
    assert torch.equal(chunked_index, edge_index)
    torch.testing.assert_close(chunked_weight, weight, atol=1e-6, rtol=0)


@pytest.mark.parametrize("frame", [[], [0, 0], [0, 2]])
def test_nothing_to_link(frame):
    num_boxes = len(frame)
    frame = torch.tensor(frame, dtype=torch.long)
    edge_index, weight = cosine_edges(BOXES[:num_boxes], torch.ones(num_boxes, 3), frame)
    assert edge_index.shape == (2, 0)
    assert edge_index.dtype == torch.long
    assert weight.shape == (0,)
