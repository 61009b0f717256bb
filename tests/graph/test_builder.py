"""Section 4 of the design: what the paper leaves open, decided."""

import pickle
import warnings

import pytest
import torch

from stgraph.errors import DataError, OptionError, ShapeError
from stgraph.features.detections import Detections
from stgraph.graph import CosineEdges, EdgeKind, IouEdges, VideoGraphBuilder, cosine_edges, iou_edges
from tests.graph.samples import random_video, weights_of
from tests.reference.graphs import best_objects, padded, space_time_matrix

KEEP_ALL = {"max_objects": None, "score_threshold": 0.0}
BLOCKS = {
    "full": ("iou", "cosine"),
    "space only": ("iou", None),
    "time only": (None, "cosine"),
}


@pytest.mark.parametrize("blocks", BLOCKS)
@pytest.mark.parametrize("seed", range(6))
def test_equals_the_loops(seed, blocks):
    spatial, temporal = BLOCKS[blocks]
    video = random_video(seed, num_frames=8, most=9)
    graph = VideoGraphBuilder(spatial, temporal, max_objects=4, score_threshold=0.5)(video)
    kept = best_objects(video.frame.tolist(), video.scores.tolist(), video.num_frames, 4, 0.5)
    expected, linked = space_time_matrix(
        video.boxes[kept],
        video.features[kept],
        video.frame[kept].tolist(),
        video.num_frames,
        spatial=spatial is not None,
        temporal=temporal is not None,
    )
    assert graph.edge_index.T.tolist() == torch.from_numpy(linked).nonzero().tolist()
    torch.testing.assert_close(weights_of(graph).double(), torch.from_numpy(expected), atol=1e-6, rtol=0)
    assert torch.equal(graph.x, video.features[kept])
    assert torch.equal(graph.box, video.boxes[kept])
    assert torch.equal(graph.score, video.scores[kept])
    assert torch.equal(graph.label, video.labels[kept])
    assert torch.equal(graph.track, video.track[kept])
    assert torch.equal(graph.frame, video.frame[kept])
    assert torch.equal(graph.time, video.frame[kept] * 0.25)
    assert graph.num_frames == 8


def test_kinds_say_which_rule_made_an_edge():
    graph = VideoGraphBuilder(**KEEP_ALL)(random_video(0, counts=[2, 1, 3]))
    step = graph.frame[graph.edge_index[1]] - graph.frame[graph.edge_index[0]]
    assert torch.equal(graph.edge_kind, step)  # 4.1: time edges point from t to t + 1
    assert graph.edge_kind.dtype == torch.int64
    assert (EdgeKind.SPACE, EdgeKind.TIME, EdgeKind.DENSE) == (0, 1, 3)
    assert graph.edge_kind.bincount().tolist() == [4 + 1 + 9, 2 * 1 + 1 * 3]


def test_space_block_holds_self_and_pairs_apart():  # 4.2
    boxes = [[0, 0, 4, 4], [50, 50, 60, 60]]
    video = Detections(
        boxes=boxes, scores=[1, 1], features=[[1], [1]], frame=[0, 0], num_frames=1, size=(64, 64)
    )
    matrix = weights_of(VideoGraphBuilder()(video))
    torch.testing.assert_close(matrix, torch.tensor([[1.0, 0.0], [0.0, 1.0]]).softmax(dim=1))


def test_row_sums():  # 4.3 and 4.5: the third frame has no objects, the last no next frame
    video = random_video(4, counts=[2, 3, 0, 2, 1])
    sums = {
        name: weights_of(VideoGraphBuilder(*rules, **KEEP_ALL)(video)).sum(dim=1)
        for name, rules in BLOCKS.items()
    }
    torch.testing.assert_close(sums["full"], torch.tensor([2.0, 2, 1, 1, 1, 2, 2, 1]))
    torch.testing.assert_close(sums["space only"], torch.ones(8))
    torch.testing.assert_close(sums["time only"], torch.tensor([1.0, 1, 0, 0, 0, 1, 1, 0]))
    dense = VideoGraphBuilder.dense(**KEEP_ALL)(video)
    assert torch.equal(weights_of(dense), torch.ones(8, 8))  # 4.6
    assert dense.edge_kind.unique().tolist() == [EdgeKind.DENSE]


@pytest.mark.parametrize("dense", [False, True])
def test_padding_is_the_papers_variant(dense):  # 4.7
    video = random_video(2, counts=[2, 0, 3, 1])
    make = VideoGraphBuilder.dense if dense else VideoGraphBuilder
    graph = make(max_objects=3, score_threshold=0.0, pad_objects=3)(video)
    frame = video.frame.tolist()
    expected = {
        name: torch.from_numpy(padded(getattr(video, source).numpy(), frame, 4, 3, absent))
        for name, source, absent in [
            ("x", "features", 0),
            ("box", "boxes", 0),
            ("score", "scores", 0),
            ("label", "labels", -1),
            ("track", "track", -1),
        ]
    }
    for name, value in expected.items():
        assert torch.equal(graph[name], value), name
    assert graph.frame.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert torch.equal(graph.time, graph.frame * 0.25)
    matrix, _ = space_time_matrix(expected["box"], expected["x"], graph.frame.tolist(), 4)
    matrix = torch.ones(12, 12) if dense else torch.from_numpy(matrix).float()
    torch.testing.assert_close(weights_of(graph), matrix, atol=1e-6, rtol=0)
    if not dense:
        torch.testing.assert_close(weights_of(graph).sum(dim=1), torch.tensor([2.0] * 9 + [1.0] * 3))


def test_padding_cuts_before_it_fills():
    graph = VideoGraphBuilder(max_objects=2, score_threshold=0.0, pad_objects=3)(
        random_video(2, counts=[5, 1])
    )
    assert graph.num_nodes == 6
    assert graph.label.eq(-1).tolist() == [False, False, True, False, True, True]


def test_both_blocks_dropped_leaves_objects_alone():
    graph = VideoGraphBuilder(None, None)(random_video(0, counts=[2, 3]))
    assert graph.edge_index.shape == (2, 0)
    assert (graph.edge_weight.dtype, graph.edge_kind.dtype) == (torch.float32, torch.int64)


@pytest.mark.parametrize("make", [VideoGraphBuilder, VideoGraphBuilder.dense])
def test_video_without_objects(make):
    nothing = Detections(
        boxes=[], scores=[], features=torch.zeros(0, 7), frame=[], num_frames=3, size=(64, 80), time=[0, 1, 2]
    )
    graph = make()(nothing, appearance=torch.ones(3, 2))
    assert (graph.num_nodes, graph.num_edges, graph.num_frames) == (0, 0, 3)
    assert graph.x.shape == (0, 7)
    assert torch.equal(graph.appearance, torch.ones(3, 2))
    padded_graph = make(max_objects=5, pad_objects=5)(nothing)
    assert padded_graph.x.shape == (15, 7)
    assert padded_graph.time.tolist() == [0.0] * 5 + [1.0] * 5 + [2.0] * 5


def test_unknown_time_is_nan():
    graph = VideoGraphBuilder(**KEEP_ALL)(random_video(0, counts=[1, 2], known_time=False))
    assert graph.time.isnan().tolist() == [True, True, True]


def test_streams_and_name_go_along():
    video = random_video(0, counts=[1, 0, 1])
    appearance = torch.arange(6, dtype=torch.float16).reshape(3, 2)
    graph = VideoGraphBuilder()(video, appearance=appearance, motion=torch.ones(3, 4), video_id="cat")
    assert torch.equal(graph.appearance, appearance.float())  # stores keep float16, layers want float32
    assert torch.equal(graph.motion, torch.ones(3, 4))
    assert graph.video_id == "cat"
    assert "appearance" not in VideoGraphBuilder()(video)
    with pytest.raises(ShapeError, match=r"'motion' must be \[T=3, F\], got \[2, 4\]"):
        VideoGraphBuilder()(video, motion=torch.ones(2, 4))


def test_input_is_kept():
    video = random_video(0, counts=[3, 2])
    graph = VideoGraphBuilder(**KEEP_ALL)(video, appearance=(stream := torch.ones(2, 3)))
    for name in ("x", "box", "score", "label", "track", "frame", "appearance"):
        graph[name] += 1
    again = random_video(0, counts=[3, 2])
    for name in ("features", "boxes", "scores", "labels", "track", "frame"):
        assert torch.equal(getattr(video, name), getattr(again, name)), name
    assert torch.equal(stream, torch.ones(2, 3))


def test_own_rules_join_the_built_in_ones():
    def two_on(boxes, features, frame):
        pairs = (frame[None, :] - frame[:, None] == 2).nonzero().T
        return pairs, torch.full((pairs.size(1),), 0.5)

    video = random_video(0, counts=[1, 2, 1])
    graph = VideoGraphBuilder("iou", two_on, **KEEP_ALL)(video)
    assert graph.edge_index.T.tolist() == [[0, 0], [0, 3], [1, 1], [1, 2], [2, 1], [2, 2], [3, 3]]
    assert graph.edge_kind.tolist() == [0, 1, 0, 0, 0, 0, 0]
    assert float(graph.edge_weight[1]) == 0.5
    given = VideoGraphBuilder(iou_edges, cosine_edges)(video)
    named = VideoGraphBuilder("iou", "cosine")(video)
    assert torch.equal(given.edge_weight, named.edge_weight)
    with pytest.raises(DataError, match=r"must not link one pair of boxes twice, got \[0, 0\]"):
        VideoGraphBuilder("iou", iou_edges, **KEEP_ALL)(video)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"spatial": "cosine"},
            "'spatial' must be 'iou', 'self', 'nearest', a rule of your own, or None, got 'cosine'",
        ),
        ({"temporal": "Cosine"}, "'temporal' must be 'cosine', .* got 'Cosine'"),
        ({"spatial": "dense"}, r"use VideoGraphBuilder\.dense\(\)"),
        ({"spatial": 3}, "'spatial' must be .* got 3"),
        ({"max_objects": 0}, "'max_objects' must be a whole number of at least 1, or None, got 0"),
        ({"max_objects": 2.5}, "'max_objects' must be .* got 2.5"),
        ({"pad_objects": -1}, "'pad_objects' must be .* got -1"),
        ({"pad_objects": 1001}, "'pad_objects' must be at most 1,000, got 1,001"),
        ({"max_objects": 6, "pad_objects": 5}, "'max_objects' must be at most pad_objects=5, got 6"),
        ({"max_objects": None, "pad_objects": 5}, "'max_objects' must be at most pad_objects=5, got None"),
    ],
)
def test_options_are_checked(options, says):
    with pytest.raises(OptionError, match=says):
        VideoGraphBuilder(**options)


def test_builder_can_be_sent_to_workers_and_says_what_it_is():
    video = random_video(0)
    sharp = VideoGraphBuilder(IouEdges(0.1), CosineEdges(center=True))
    for builder in (VideoGraphBuilder(max_objects=2, pad_objects=3), VideoGraphBuilder.dense(), sharp):
        sent = pickle.loads(pickle.dumps(builder))
        assert torch.equal(sent(video).edge_weight, builder(video).edge_weight)
        assert repr(sent) == repr(builder)
    assert "space=iou_edges, time=cosine_edges, max_objects=5" in repr(VideoGraphBuilder(max_objects=5))
    assert "space=IouEdges(temperature=0.1), time=CosineEdges(temperature=1.0, center=True" in repr(sharp)


def test_cosine_edges_of_box_geometry_give_a_warning():
    given = {"boxes": [[0, 0, 9, 9]] * 2, "frame_numbers": [0, 1], "size": (10, 10)}
    bare, full = Detections.from_raw(**given), Detections.from_raw(**given, features=torch.ones(2, 5))
    assert (bare.features_are_geometry, full.features_are_geometry) == (True, False)
    assert bare.top(1).features_are_geometry
    with pytest.warns(
        UserWarning, match="no appearance features, so the cosine edges compare the geometry"
    ) as caught:
        VideoGraphBuilder()(bare)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="no appearance features"):
        VideoGraphBuilder(None, CosineEdges(0.1)).build_batch([full, bare])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        VideoGraphBuilder()(full)
        for builder in (
            VideoGraphBuilder(temporal=None),
            VideoGraphBuilder(temporal="track"),
            VideoGraphBuilder.dense(),
        ):
            builder(bare)
