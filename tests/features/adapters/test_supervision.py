import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from stgraph.errors import DataError, DependencyError
from stgraph.features.adapters import from_supervision, to_supervision
from tests.features.adapters.samples import SAMPLED, SIZE, assert_same, random_detections


def frame(boxes, features=None, **values):
    """A stand-in for supervision.Detections, with the fields that are read."""
    empty = {"confidence": None, "class_id": None, "tracker_id": None, "mask": None}
    data = {} if features is None else {"features": np.array(features)}
    return SimpleNamespace(
        xyxy=np.array(boxes, dtype=np.float32).reshape(-1, 4), **{**empty, **values}, data=data
    )


def test_there_and_back():
    supervision = pytest.importorskip("supervision")
    video = random_detections()
    frames = to_supervision(video)
    assert [type(entry) for entry in frames] == [supervision.Detections] * 4
    assert_same(from_supervision(frames, SIZE, sampled=SAMPLED, fps=25.0), video)


def test_its_own_ways_to_make_and_cut_them():
    supervision = pytest.importorskip("supervision")
    made = supervision.Detections(
        xyxy=np.array([[1.0, 2, 5, 9], [3, 4, 8, 8]]),
        confidence=np.array([0.9, 0.2]),
        class_id=np.array([3, 4]),
    )
    video = from_supervision([made[made.confidence > 0.5], supervision.Detections.empty(), made], SIZE)
    assert video.frame.tolist() == [0, 2, 2]
    assert video.labels.tolist() == [3, 3, 4]
    assert video.track.tolist() == [-1, -1, -1]
    torch.testing.assert_close(video.features, video.geometry())


def test_what_the_whole_video_lacks_is_none():
    pytest.importorskip("supervision")
    video = random_detections(labels=None, track=None)
    frames = to_supervision(video)
    assert all(entry.class_id is None and entry.tracker_id is None for entry in frames)
    assert_same(from_supervision(frames, SIZE, sampled=SAMPLED, fps=25.0), video)


def test_features_as_an_argument_go_before_those_in_data():
    frames = [frame([[1, 2, 5, 9]], features=[[7.0]]), frame([]), frame([[3, 4, 8, 8]], features=[[8.0]])]
    assert from_supervision(frames, SIZE).features.tolist() == [[7.0], [8.0]]
    given = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert torch.equal(from_supervision(frames, SIZE, features=given).features, given)
    with pytest.raises(DataError, match="a row for each of the 2 boxes, got 3"):
        from_supervision(frames, SIZE, features=torch.zeros(3, 2))


def test_a_broken_frame_is_named():
    with pytest.raises(DataError, match="Entry 1: 'boxes' must have x1 < x2"):
        from_supervision([frame([]), frame([[5, 5, 1, 9]])], SIZE)


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "supervision", None)
    with pytest.raises(DependencyError, match=r"pip install 'stgraph-captioning\[adapters\]'"):
        to_supervision(random_detections())


def test_masks_there_and_back_on_request():
    pytest.importorskip("supervision")
    video = random_detections(num_boxes=5)
    video = replace(video, masks=torch.rand(5, *SIZE) > 0.5)
    frames = to_supervision(video)
    assert from_supervision(frames, SIZE).masks is None
    assert torch.equal(from_supervision(frames, SIZE, masks=True).masks, video.masks)
