"""Edges from each object to the next sighting of its track."""

import pytest
import torch

from stgraph import Detections
from stgraph.errors import OptionError
from stgraph.graph import EdgeKind, TrackEdges, VideoGraphBuilder
from tests.graph.memory import Allocations
from tests.graph.samples import random_video
from tests.reference.tracks import track_edges

VIDEOS = [random_video(seed, num_frames=9, most=6, known_time=bool(seed % 3)) for seed in range(8)]


@pytest.mark.parametrize(("decay", "hops"), [(None, (1,)), (0.7, (1,)), (0.7, (1, 2, 4)), (None, (2,))])
def test_equals_the_loops_alone_and_in_a_batch(decay, hops):
    builder = VideoGraphBuilder(None, TrackEdges(decay, hops))
    for video, graph in zip(VIDEOS, builder.build_batch(VIDEOS).to_data_list(), strict=True):
        expected = track_edges(graph.track.tolist(), graph.frame.tolist(), graph.time.tolist(), decay, hops)
        for got in (graph, builder(video)):
            assert list(map(tuple, got.edge_index.T.tolist())) == sorted(expected)
            weights = torch.tensor([expected[pair] for pair in sorted(expected)])
            torch.testing.assert_close(got.edge_weight, weights)
            assert set(got.edge_kind.tolist()) <= {EdgeKind.TIME}


def test_skips_frames_in_which_the_object_is_not_seen():
    video = Detections(
        boxes=torch.tensor([[0.0, 0, 9, 9]]).expand(4, 4),
        scores=torch.ones(4),
        features=torch.ones(4, 1),
        frame=torch.tensor([0, 0, 2, 5]),
        num_frames=6,
        size=(10, 10),
        track=torch.tensor([7, -1, 2**60, 7]),
    )
    graph = VideoGraphBuilder(None, "track")(video)
    assert (graph.edge_index.tolist(), graph.edge_weight.tolist()) == ([[0], [3]], [1.0])
    assert VideoGraphBuilder(None, TrackEdges(5.0))(video).edge_weight.item() == pytest.approx(
        0.3679, abs=1e-4
    )


def test_joins_the_edges_of_a_frame_and_respects_padding():
    graph = VideoGraphBuilder("iou", "track", max_objects=3, pad_objects=4)(VIDEOS[1])
    time_edges = graph.edge_index[:, graph.edge_kind == EdgeKind.TIME]
    assert bool((graph.track[time_edges] >= 0).all())
    assert torch.equal(*graph.track[time_edges])
    assert time_edges.size(1) > 0


def test_memory_grows_with_the_number_of_boxes():
    def work(num_frames):
        video = random_video(0, counts=[6] * num_frames)
        with Allocations() as allocations:
            VideoGraphBuilder(None, "track")(video)
        return allocations.total

    totals = [work(num_frames) for num_frames in (200, 400, 800)]
    assert totals[2] / totals[1] == pytest.approx(totals[1] / totals[0], rel=0.1)


@pytest.mark.parametrize("decay", [0, -1.0, float("nan"), float("inf"), True, "1"])
def test_decay_must_be_positive(decay):
    with pytest.raises(OptionError, match="'decay' must be a (positive )?number"):
        TrackEdges(decay)


@pytest.mark.parametrize("hops", [(), (0,), (2, 1), (1, 1), (True,)])
def test_wrong_hops_are_refused(hops):
    with pytest.raises(OptionError, match="'hops"):
        TrackEdges(hops=hops)
