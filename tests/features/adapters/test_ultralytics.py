from types import SimpleNamespace

import pytest
import torch

from stgraph.errors import DataError
from stgraph.features import Detections
from stgraph.graph import VideoGraphBuilder


def result(rows, track=None, keypoints=None, shape=(24, 32)):
    """A stand-in for ``ultralytics.engine.results.Results``; rows are x1, y1, x2, y2, confidence, class."""
    rows = torch.tensor(rows, dtype=torch.float32).reshape(-1, 6)
    boxes = SimpleNamespace(
        xyxy=rows[:, :4], conf=rows[:, 4], cls=rows[:, 5], id=None if track is None else torch.tensor(track)
    )
    points = None if keypoints is None else SimpleNamespace(data=torch.tensor(keypoints))
    return SimpleNamespace(boxes=boxes, keypoints=points, masks=None, orig_shape=shape, names={0: "cat"})


def test_reads_a_stream_of_tracked_frames():
    frames = [result([[1, 2, 10, 12, 0.9, 3]], [7.0]), result([]), result([[2, 2, 11, 12, 0.5, 3]], [7.0])]
    found = Detections.from_ultralytics(iter(frames), sampled=[0, 5, 10], fps=25)
    assert found.boxes.tolist() == [[1, 2, 10, 12], [2, 2, 11, 12]]
    assert found.frame.tolist() == [0, 2]
    assert (found.labels.tolist(), found.track.tolist()) == ([3, 3], [7, 7])
    assert (found.size, found.num_frames) == ((24, 32), 3)
    assert found.features_are_geometry


def test_one_result_and_keypoints_that_become_nodes():
    one = result([[1, 2, 10, 12, 0.9, 0]], keypoints=[[[2.0, 3.0], [4.0, 5.0]]])
    found = Detections.from_ultralytics(one)
    assert found.keypoints.tolist() == [[[2, 3, 1], [4, 5, 1]]]
    graph = VideoGraphBuilder(temporal=None)(found)
    assert torch.equal(graph.keypoints, found.keypoints)
    assert found.select(torch.tensor([], dtype=torch.long)).keypoints.shape == (0, 2, 3)


def test_a_batch_has_keypoints_of_all_its_videos_or_of_none():
    rows = [[1, 2, 10, 12, 0.9, 0]]
    with_points = Detections.from_ultralytics(result(rows, keypoints=[[[2.0, 3.0]]]))
    builder = VideoGraphBuilder(temporal=None)
    empty = Detections.from_ultralytics(result([]))
    assert builder.build_batch([with_points, empty]).keypoints.shape == (1, 1, 3)
    with pytest.raises(DataError, match="'keypoints' must be given for all videos of a batch or for none"):
        builder.build_batch([with_points, Detections.from_ultralytics(result(rows))])


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "a result for each sampled frame, got none"),
        ([result([]), SimpleNamespace(boxes=None)], "Result 1 has no 'boxes'"),
        ([result([]), result([], shape=(9, 9))], r"Result 1 is of a frame of \(height, width\) \(9, 9\)"),
        ([result([[9, 2, 1, 12, 0.9, 3]])], "Entry 0: 'boxes' must have x1 < x2"),
        (
            [result([[1, 2, 9, 12, 1, 3]], keypoints=[[[1.0, 2.0]]]), result([[1, 2, 9, 12, 1, 3]])],
            "Entry 1: 'keypoints'",
        ),
    ],
)
def test_names_the_wrong_result(frames, message):
    with pytest.raises(DataError, match=message):
        Detections.from_ultralytics(frames)
