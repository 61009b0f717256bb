"""Real person tracks (200 videos of UCF101-24), and one made-up crowd of T=1,000 with 20 in each frame."""

import numpy as np
import pytest
import torch

from stgraph.features.detections import Detections
from stgraph.graph import VideoGraphBuilder
from tests.graph.memory import Allocations, crowd
from tests.reference.graphs import space_time_matrix

KEEP_ALL = {"max_objects": None, "score_threshold": 0.0}


@pytest.fixture(scope="module")
def tracks(real_data):
    """All frames from a video's first box to its last are sampled, so gaps are frames without objects."""
    arrays = np.load(real_data / "boxes" / "ucf101_24_tracks.npz")
    videos = {}
    for name in sorted({key.rsplit("__", 1)[0] for key in arrays.files}):
        numbers = arrays[f"{name}__frame"]
        videos[name] = Detections.from_raw(
            boxes=arrays[f"{name}__box"],
            frame_numbers=numbers,
            track=arrays[f"{name}__track"],
            size=(240, 320),
            sampled=range(int(numbers.min()), int(numbers.max()) + 1),
            fps=25.0,
        )
    return videos


def assert_row_sums(graph):
    rows = torch.zeros(graph.num_nodes).index_add_(0, graph.edge_index[0], graph.edge_weight)
    has_next = torch.isin(graph.frame + 1, graph.frame)
    torch.testing.assert_close(rows, 1 + has_next.float(), atol=1e-5, rtol=0)


def test_there_are_200_videos_with_long_and_broken_tracks(tracks):
    assert len(tracks) == 200
    assert max(len(video) for video in tracks.values()) == 1583
    assert any(video.frame.unique().numel() < video.num_frames for video in tracks.values())


def test_row_sums_of_every_video(tracks):
    for video in tracks.values():
        graph = VideoGraphBuilder(**KEEP_ALL)(video)
        assert graph.num_nodes == len(video)
        assert torch.equal(graph.track, video.track)
        assert_row_sums(graph)


def test_every_tenth_video_equals_the_loops(tracks):
    for video in list(tracks.values())[::10]:
        graph = VideoGraphBuilder(**KEEP_ALL)(video)
        expected, linked = space_time_matrix(
            video.boxes, video.features, video.frame.tolist(), video.num_frames
        )
        assert torch.equal(graph.edge_index, torch.from_numpy(np.array(linked.nonzero())))
        torch.testing.assert_close(
            graph.edge_weight.double(), torch.from_numpy(expected[linked]), atol=1e-6, rtol=0
        )


def test_all_videos_in_one_batch_equal_each_alone(tracks):
    videos = list(tracks.values())
    for got, video in zip(VideoGraphBuilder().build_batch(videos).to_data_list(), videos, strict=True):
        alone = VideoGraphBuilder()(video)
        assert torch.equal(got.edge_index, alone.edge_index)
        torch.testing.assert_close(got.edge_weight, alone.edge_weight, atol=1e-6, rtol=0)
        assert torch.equal(got.x, alone.x)
        assert torch.equal(got.frame, alone.frame)


def test_no_n_by_n_array_for_the_longest_video(tracks):
    video = max(tracks.values(), key=len)
    with Allocations() as allocations:
        VideoGraphBuilder(**KEEP_ALL)(video)
    assert allocations.largest < len(video) ** 2 / 10


def test_a_thousand_frames_of_twenty():
    video = crowd(num_frames=1000, num_objects=20, width=64)
    with Allocations() as allocations:
        graph = VideoGraphBuilder(**KEEP_ALL)(video)
    assert graph.num_edges == 1000 * 400 + 999 * 400
    assert_row_sums(graph)
    assert allocations.largest < len(video) ** 2 / 100


def test_boxes_of_every_track_are_whole(real_data):
    """What Detections refuses (no area, outside the picture) doesn't occur: nothing needs clipping."""
    arrays = np.load(real_data / "boxes" / "ucf101_24_tracks.npz")
    boxes = np.concatenate([arrays[key] for key in arrays.files if key.endswith("__box")])
    assert (boxes[:, :2] < boxes[:, 2:]).all()
    assert boxes.min() >= 0
    assert (boxes[:, 2:] <= [320, 240]).all()
