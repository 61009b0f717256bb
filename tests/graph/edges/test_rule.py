import pytest
import torch

from stgraph.errors import DataError, ShapeError
from stgraph.graph import VideoGraphBuilder, adjacent_only, wants_video
from tests.graph.samples import random_video, weights_of

VIDEO = random_video(0, counts=[2, 1, 0, 2])
KEEP_ALL = {"max_objects": None, "score_threshold": 0.0}


def answering(edge_index, weight):
    def my_rule(boxes, features, frame):
        return edge_index, weight

    return my_rule


def build(rule, **options):
    return VideoGraphBuilder(spatial=rule, temporal=None, **KEEP_ALL, **options)(VIDEO)


def test_edges_of_a_rule_come_out_sorted_with_their_weights():
    graph = build(answering(torch.tensor([[4, 0, 4, 1], [0, 3, 2, 1]]), torch.tensor([0.0, 0.25, 2.0, 1.0])))
    assert graph.edge_index.tolist() == [[0, 1, 4, 4], [3, 1, 0, 2]]
    assert graph.edge_weight.tolist() == [0.25, 1.0, 0.0, 2.0]
    assert graph.edge_kind.tolist() == [0, 0, 0, 0]


def test_types_are_those_of_a_graph():
    graph = build(
        answering(torch.tensor([[1], [0]], dtype=torch.int32), torch.tensor([0.5], dtype=torch.float64))
    )
    assert graph.edge_index.dtype == torch.int64
    assert graph.edge_weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("edge_index", "weight", "error", "says"),
    [
        ([[0, 5], [1, 1]], [1.0, 1.0], DataError, r"'my_rule' must index the 5 boxes, got \[5, 1\]"),
        ([[0, 0], [1, -1]], [1.0, 1.0], DataError, r"'my_rule' must index the 5 boxes, got \[0, -1\]"),
        ([[0, 0], [1, 2]], [1.0, -0.5], DataError, "'my_rule' .*not negative, got -0.5"),
        ([[0, 0], [1, 2]], [float("nan"), 1.0], DataError, "'my_rule' .*finite.*got nan"),
        ([[0, 0], [1, 2]], [1.0, float("inf")], DataError, "'my_rule' .*finite.*got inf"),
        (
            [[0, 1, 0], [1, 2, 1]],
            [1.0, 1.0, 1.0],
            DataError,
            r"'my_rule' must name each pair.* once, got \[0, 1\]",
        ),
        ([[0, 0], [1, 2]], [1.0], ShapeError, r"'my_rule' must return .*got \[2, 2\] and \[1\]"),
        ([0, 1], [1.0, 1.0], ShapeError, r"'my_rule' must return .*got \[2\] and \[2\]"),
        ([[0.0, 0.0], [1.0, 2.0]], [1.0, 1.0], ShapeError, "'my_rule' must return whole numbers.*float32"),
    ],
)
def test_nonsense_is_refused_by_name(edge_index, weight, error, says):
    with pytest.raises(error, match=says):
        build(answering(torch.tensor(edge_index), torch.tensor(weight)))


def test_what_is_no_pair_of_tensors_is_refused():
    def only_edges(boxes, features, frame):
        return torch.zeros(2, 0)

    with pytest.raises(ShapeError, match=r"'only_edges' must return two tensors.*got \(Tensor\)"):
        build(only_edges)
    with pytest.raises(ShapeError, match=r"'my_rule' must return two tensors.*got \(list, Tensor\)"):
        build(answering([[0], [1]], torch.ones(1)))


def test_broken_promise_of_adjacent_only_is_refused():
    @adjacent_only
    def far(boxes, features, frame):
        return torch.tensor([[0], [len(frame) - 1]]), torch.ones(1)

    with pytest.raises(DataError, match="'far' is marked adjacent_only"):
        build(far)
    with pytest.raises(DataError, match="'far' is marked adjacent_only"):  # would link two videos
        VideoGraphBuilder(far, None, **KEEP_ALL).build_batch([VIDEO, VIDEO])


def test_rule_without_the_mark_sees_one_video_at_a_time():
    seen = []

    def two_on(boxes, features, frame):  # would reach over the gap between videos
        seen.append(frame.tolist())
        pairs = (frame[None, :] - frame[:, None] == 2).nonzero().T
        return pairs, torch.ones(pairs.size(1))

    videos = [
        random_video(1, counts=[1, 2, 1]),
        random_video(2, counts=[0, 0]),
        random_video(3, counts=[2, 1, 1]),
    ]
    batch = VideoGraphBuilder(None, two_on, **KEEP_ALL).build_batch(videos)
    assert seen == [[0, 1, 1, 2], [0, 0, 1, 2]]
    assert batch.edge_index.tolist() == [[0, 4, 5], [3, 7, 7]]
    assert batch.edge_kind.tolist() == [1, 1, 1]


def test_adjacent_rule_sees_the_batch_with_a_gap_after_each_video():
    seen = []

    @adjacent_only
    def itself(boxes, features, frame):
        seen.append(frame.tolist())
        node = torch.arange(len(frame))
        return torch.stack([node, node]), torch.ones(len(frame))

    videos = [random_video(1, counts=[1, 2]), random_video(2, counts=[1]), random_video(3, counts=[0, 1])]
    batch = VideoGraphBuilder(itself, None, **KEEP_ALL).build_batch(videos)
    assert seen == [[0, 1, 1, 3, 6]]
    assert batch.frame.tolist() == [0, 1, 1, 2, 4]
    torch.testing.assert_close(weights_of(batch), torch.eye(5))


@pytest.mark.parametrize("mark", [lambda rule: rule, adjacent_only])
def test_rule_that_wants_the_video_is_told_it(mark):
    seen = []

    @mark
    @wants_video
    def itself(boxes, features, frame, video):
        seen.append(video.tolist())
        node = torch.arange(len(frame))
        return torch.stack([node, node]), torch.ones(len(frame))

    videos = [random_video(1, counts=[1, 2]), random_video(2, counts=[0]), random_video(3, counts=[0, 1])]
    VideoGraphBuilder(itself, None, **KEEP_ALL).build_batch(videos)
    assert seen == ([[0, 0, 0], [0]] if mark is not adjacent_only else [[0, 0, 0, 2]])
