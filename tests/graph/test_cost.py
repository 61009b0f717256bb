"""Design 4.8: cost grows linearly with T, and no N x N array is made."""

import pytest
import torch

from stgraph.graph import CosineEdges, IouEdges, VideoGraphBuilder
from tests.graph.memory import Allocations, crowd

KEEP_ALL = {"max_objects": None, "score_threshold": 0.0}


def cost(video, build=None):
    with Allocations() as allocations:
        (build or VideoGraphBuilder(**KEEP_ALL))(video)
    return allocations


def test_largest_array_is_far_from_n_by_n():
    video = crowd(num_frames=1000, num_objects=8)
    assert cost(video).largest < len(video) ** 2 / 10
    dense = crowd(num_frames=30, num_objects=6)
    assert (
        cost(dense, VideoGraphBuilder.dense(**KEEP_ALL)).largest >= len(dense) ** 2
    )  # an N x N array is seen


@pytest.mark.parametrize("width", [5, 256])
def test_doubling_the_frames_doubles_the_work(width):
    work = [cost(crowd(num_frames, 6, width)).total for num_frames in (250, 500, 1000)]
    assert work[1] / work[0] == pytest.approx(2, rel=0.02)
    assert work[2] / work[1] == pytest.approx(2, rel=0.02)


def test_doubling_the_videos_doubles_the_work():
    videos = [crowd(20, 5, seed=seed) for seed in range(40)]
    work = [cost(videos[:count], VideoGraphBuilder(**KEEP_ALL).build_batch).total for count in (20, 40)]
    assert work[1] / work[0] == pytest.approx(2, rel=0.02)


def test_what_the_rules_can_past_the_paper_grows_with_the_frames_too():
    builder = VideoGraphBuilder(IouEdges(0.1), CosineEdges(0.1, center=True, direction="both"), **KEEP_ALL)
    work = [cost(crowd(num_frames, 6, 64), builder).total for num_frames in (250, 500, 1000)]
    assert work[1] / work[0] == pytest.approx(2, rel=0.02)
    assert work[2] / work[1] == pytest.approx(2, rel=0.02)


def test_features_are_not_copied_a_pair():
    video = crowd(num_frames=40, num_objects=20, width=512)
    graph = VideoGraphBuilder(**KEEP_ALL)(video)
    assert cost(video).largest < 2 * graph.x.numel()
    assert graph.num_edges * 512 > 30 * graph.x.numel()


def test_long_video_of_generated_tracks_has_the_row_sums_of_the_paper():
    video = crowd(num_frames=300, num_objects=8)
    keep = torch.arange(len(video))[video.frame % 7 != 3]  # frames without objects
    video = video.select(keep)
    graph = VideoGraphBuilder(**KEEP_ALL)(video)
    rows = torch.zeros(len(video)).index_add_(0, graph.edge_index[0], graph.edge_weight)
    has_next = torch.isin(video.frame + 1, video.frame)
    torch.testing.assert_close(rows, 1 + has_next.float(), atol=1e-5, rtol=0)
    assert int(has_next.sum()) < len(video) - 8
