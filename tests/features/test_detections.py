import pytest
import torch

from stgraph import Detections
from stgraph.errors import DataError, OptionError, ShapeError
from stgraph.features.detections import top_objects

GOOD = {
    "boxes": [[0, 0, 10, 10], [5, 5, 20, 20], [1, 1, 30, 20]],
    "scores": [0.9, 0.8, 0.7],
    "features": [[1.0], [2.0], [3.0]],
    "frame": [0, 0, 2],
    "num_frames": 3,
    "size": (24, 32),
}


def make(**changed):
    return Detections(**{**GOOD, **changed})


def test_values_are_float32_and_int64_whatever_came_in():
    found = make(
        boxes=torch.tensor(GOOD["boxes"], dtype=torch.int16), scores=torch.ones(3, dtype=torch.float64)
    )
    assert (found.boxes.dtype, found.scores.dtype, found.frame.dtype) == (
        torch.float32,
        torch.float32,
        torch.int64,
    )
    assert found.labels.tolist() == found.track.tolist() == [-1, -1, -1]
    assert (len(found), found.num_features) == (3, 1)


def test_no_boxes_at_all():
    found = make(boxes=[], scores=[], features=torch.zeros(0, 7), frame=[])
    assert found.boxes.shape == (0, 4)
    assert found.num_features == 7
    assert len(found.top(2, 0.5)) == 0


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        (
            {"boxes": [[0, 0, 10], [5, 5, 20], [1, 1, 30]]},
            ShapeError,
            r"'boxes' must be \[N, 4\], got \[3, 3\]",
        ),
        ({"scores": [0.5]}, ShapeError, r"'scores' must be \[N=3\], got \[1\]"),
        ({"features": [[1.0]]}, ShapeError, "'features'"),
        ({"time": [0.0, 1.0]}, ShapeError, r"'time' must be \[T=3\], got \[2\]"),
        ({"frame": [0, 2, 0]}, DataError, "'frame' must be sorted"),
        ({"frame": [-1, 0, 2]}, DataError, r"'frame' must lie in 0..2.*got -1"),
        ({"scores": [0.9, float("inf"), 0.7]}, DataError, "'scores' must be finite, got .inf. in row 1"),
        ({"boxes": [[0, 0, 10, 10], [5, 5, 5, 20], [1, 1, 30, 20]]}, DataError, "x1 < x2 and y1 < y2"),
        ({"num_frames": 0}, DataError, "'num_frames' must be at least 1, got 0"),
        ({"size": (0, 32)}, DataError, r"'size' must be \(height, width\).*\(0, 32\)"),
        ({"boxes": "boxes"}, OptionError, "'boxes' must be a sequence or a tensor or an array, got 'boxes'"),
    ],
)
def test_what_cannot_be_right_is_named(changed, error, message):
    with pytest.raises(error, match=message):
        make(**changed)


def test_boxes_may_reach_over_the_edge_but_must_overlap_the_image():
    assert make(boxes=[[-5, -5, 10, 10], [5, 5, 40, 30], [31, 23, 99, 99]]) is not None
    with pytest.raises(DataError, match=r"must overlap the image of \(height, width\) \(24, 32\)"):
        make(boxes=[[32, 0, 40, 10], [5, 5, 20, 20], [1, 1, 30, 20]])


def test_from_raw_renumbers_and_sorts():
    found = Detections.from_raw(
        boxes=[[1, 1, 30, 20], [0, 0, 10, 10], [5, 5, 20, 20]],
        frame_numbers=[40, 7, 7],
        sampled=[7, 19, 40],
        scores=[0.7, 0.9, 0.8],
        track=[3, 1, 2],
        size=(24, 32),
        fps=10.0,
    )
    assert found.frame.tolist() == [0, 0, 2]
    assert found.track.tolist() == [1, 2, 3]
    assert found.frame_index.tolist() == [7, 19, 40]
    torch.testing.assert_close(found.time, torch.tensor([0.7, 1.9, 4.0]))
    # Without features the box geometry is used.
    torch.testing.assert_close(found.features, found.geometry())
    torch.testing.assert_close(
        found.geometry()[0], torch.tensor([5 / 32, 5 / 24, 10 / 32, 10 / 24, 100 / 768])
    )


def test_from_raw_without_samples_takes_the_numbers_that_occur():
    found = Detections.from_raw(boxes=GOOD["boxes"], frame_numbers=[9, 4, 9], size=(24, 32))
    assert found.frame_index.tolist() == [4, 9]
    assert found.scores.tolist() == [1, 1, 1]
    with pytest.raises(DataError, match="'sampled' must list the sampled frames if there are no boxes"):
        Detections.from_raw(boxes=[], frame_numbers=[], size=(24, 32))


def test_top_keeps_the_best_of_each_frame_in_their_old_order_and_the_earlier_of_equals():
    frame = torch.tensor([0, 0, 0, 0, 1, 1, 3])
    scores = torch.tensor([0.6, 0.9, 0.6, 0.4, 0.5, 0.5, 0.1])
    assert top_objects(frame, scores, 4, 2, 0.5).tolist() == [0, 1, 4, 5]
    assert top_objects(frame, scores, 4, 1, 0.0).tolist() == [1, 4, 6]
    assert top_objects(frame, scores, 4, None, 0.5).tolist() == [0, 1, 2, 4, 5]
    with pytest.raises(OptionError, match="'max_objects' must be at least 1 or None, got 0"):
        make().top(0)


def test_top_by_loop_on_random_scores():
    generator = torch.Generator().manual_seed(0)
    frame = torch.randint(0, 6, (80,), generator=generator).sort().values
    scores = torch.randint(0, 5, (80,), generator=generator) / 4  # many ties
    expected = []
    for t in range(6):
        rows = [i for i in range(80) if frame[i] == t and scores[i] >= 0.25]
        expected += sorted(sorted(rows, key=lambda i: (-float(scores[i]), i))[:5])
    assert top_objects(frame, scores, 6, 5, 0.25).tolist() == expected


@pytest.mark.parametrize("rate", [-25.0, 0, float("nan"), float("inf")])
def test_a_frame_rate_that_no_video_has_is_refused(rate):
    with pytest.raises(DataError, match="'fps' must be positive, or None if unknown"):
        Detections.from_raw(boxes=[[0, 0, 2, 2]], frame_numbers=[0], size=(4, 4), fps=rate)
