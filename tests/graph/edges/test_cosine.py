import math

import pytest
import torch

from stgraph.errors import OptionError
from stgraph.graph import CosineEdges, VideoGraphBuilder, cosine_edges
from stgraph.graph.edges import blocks, cosine
from tests.graph.samples import random_video, weights_of
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


@pytest.mark.parametrize(("module", "limit"), [(blocks, "_CHUNK"), (cosine, "_PIECE")])
def test_chunks_and_pieces_do_not_change_the_answer(monkeypatch, module, limit):
    video = random_video(5, num_frames=12, most=5, width=16)
    edge_index, weight = cosine_edges(video.boxes, video.features, video.frame)
    monkeypatch.setattr(module, limit, 2 * 5 * 16)  # two frames of the largest number of boxes
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


def test_without_options_it_is_the_papers_rule():
    video = random_video(3, num_frames=12, most=6)
    given = video.boxes, video.features, video.frame
    for got, expected in zip(CosineEdges()(*given), cosine_edges(*given), strict=True):
        assert torch.equal(got, expected)


OPTIONS = {
    "cold": {"temperature": 0.05},
    "hot": {"temperature": 4.0},
    "centered": {"center": True},
    "both ways": {"direction": "both"},
    "all": {"temperature": 0.1, "center": True, "direction": "both"},
}


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("seed", range(3))
def test_options_equal_the_loops(seed, name):
    options = OPTIONS[name]
    video = random_video(seed, num_frames=9, most=5, width=33)
    features = video.features + 2  # far from the origin, so that the mean matters
    features[::4] = 0  # unknown features
    edge_index, weight = CosineEdges(**options)(video.boxes, features, video.frame)
    expected, linked = space_time_matrix(
        video.boxes,
        features,
        video.frame.tolist(),
        video.num_frames,
        spatial=False,
        temporal_temperature=options.get("temperature", 1.0),
        center=options.get("center", False),
        both="direction" in options,
    )
    assert edge_index.T.tolist() == torch.from_numpy(linked).nonzero().tolist()
    torch.testing.assert_close(weight.double(), torch.from_numpy(expected[linked]), atol=2e-6, rtol=0)


def test_coldest_softmax_takes_the_likest_and_stays_finite():
    features = torch.tensor([[1.0, 0], [-1, 0], [-1, -0.5], [-1, 0.3]])  # all cosines below 0
    _, weight = CosineEdges(0.001)(BOXES, features, torch.tensor([0, 1, 1, 1]))
    assert weight.tolist() == pytest.approx([0, 1, 0], abs=1e-20)


def test_a_row_of_the_way_back_is_a_softmax_of_its_own():
    features = torch.tensor([[3.0, 0], [5, 0], [-1, 0], [0, 0.1]])
    edge_index, weight = CosineEdges(direction="both")(BOXES, features, torch.tensor([2, 2, 3, 3]))
    assert edge_index.T.tolist() == [[i, j] for i in range(4) for j in range(4) if (i < 2) != (j < 2)]
    forward = torch.tensor([-1.0, 0]).softmax(dim=0).repeat(2)
    torch.testing.assert_close(weight, torch.cat([forward, torch.full((4,), 0.5)]))


def test_rows_with_the_way_back_sum_to_three_between_full_frames():
    video = random_video(4, counts=[2, 3, 0, 2, 1, 1])
    builder = VideoGraphBuilder("iou", CosineEdges(direction="both"), max_objects=None, score_threshold=0.0)
    expected = torch.tensor([2.0, 2, 2, 2, 2, 2, 2, 3, 2])
    torch.testing.assert_close(weights_of(builder(video)).sum(dim=1), expected)


def test_features_that_are_all_alike_are_like_nothing_once_centered():
    features = torch.randn(1, 50, generator=torch.Generator().manual_seed(0)).repeat(7, 1)
    _, weight = CosineEdges(0.01, center=True)(
        torch.zeros(7, 4), features, torch.tensor([0, 0, 0, 1, 1, 1, 1])
    )
    assert weight.tolist() == [0.25] * 12


def test_centering_undoes_a_shift_of_all_features():
    video = random_video(1, counts=[3, 3, 3], width=20)
    rule = CosineEdges(0.2, center=True)
    _, weight = rule(video.boxes, video.features, video.frame)
    _, shifted = rule(video.boxes, video.features + 7, video.frame)
    torch.testing.assert_close(shifted, weight, atol=1e-4, rtol=0)


def test_absent_objects_have_no_share_in_the_mean_and_are_like_nothing():
    video = random_video(5, counts=[2, 1, 2])
    rule = CosineEdges(0.3, center=True)
    keep = {"score_threshold": 0.0, "max_objects": 3}
    padded = VideoGraphBuilder(None, rule, **keep, pad_objects=3)(video)
    expected, _ = space_time_matrix(
        padded.box, padded.x, padded.frame.tolist(), 3, spatial=False, temporal_temperature=0.3, center=True
    )
    torch.testing.assert_close(weights_of(padded).double(), torch.from_numpy(expected), atol=2e-6, rtol=0)
    plain = VideoGraphBuilder(None, rule, **keep)(video)
    real = (padded.label >= 0).nonzero()[:, 0]
    kept = weights_of(padded)[real][:, real]  # one softmax: ratios do not depend on the rest
    rows = kept.sum(dim=1, keepdim=True).clamp(min=1e-9)
    torch.testing.assert_close(kept / rows, weights_of(plain), atol=1e-5, rtol=0)


def test_objects_may_come_in_another_order_within_their_frame():
    video = random_video(7, counts=[3, 4, 2])
    rule, order = CosineEdges(0.2, center=True, direction="both"), torch.tensor([2, 0, 1, 6, 3, 4, 5, 8, 7])

    def matrix(rows):
        edges, weight = rule(video.boxes[rows], video.features[rows], video.frame[rows])
        return torch.zeros(9, 9).index_put(tuple(edges), weight)

    torch.testing.assert_close(matrix(order), matrix(torch.arange(9))[order][:, order], atol=1e-6, rtol=0)


@pytest.mark.parametrize("frame", [[], [0, 0], [0, 2]])
def test_nothing_to_link_with_options(frame):
    frame = torch.tensor(frame, dtype=torch.long)
    rule = CosineEdges(0.1, center=True, direction="both")
    edge_index, weight = rule(BOXES[: len(frame)], torch.ones(len(frame), 3), frame)
    assert (edge_index.shape, edge_index.dtype, weight.shape) == ((2, 0), torch.long, (0,))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"temperature": 0}, "'temperature' must be a finite number of at least 0.001, got 0"),
        ({"temperature": "0.1"}, "'temperature' must be .* got '0.1'"),
        ({"direction": "back"}, "'direction' must be 'forward' or 'both', got 'back'"),
    ],
)
def test_wrong_options_are_named(options, says):
    with pytest.raises(OptionError, match=says):
        CosineEdges(**options)
