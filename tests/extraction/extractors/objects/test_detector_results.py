import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from stgraph.errors import DataError, ShapeError
from stgraph.extraction.extractors.objects.detector_results import read_result
from stgraph.extraction.extractors.protocol import FrameObjects

BOXES, SCORES, LABELS, TRACKS = [[1.0, 2, 3, 4], [5, 6, 7, 8]], [0.5, 0.25], [3, 1], [7, 9]
ROWS = [[1.0, 2, 3], [4, 5, 6]]
VENDOR = {
    "xyxy": np.array(BOXES),
    "confidence": np.array(SCORES, dtype=np.float32),
    "class_id": np.array(LABELS, dtype=np.int32),
    "tracker_id": np.array(TRACKS),
    "data": {"features": np.array(ROWS)},
}
FORMS = {
    "frame objects": FrameObjects(*map(torch.tensor, (BOXES, SCORES, ROWS, LABELS, TRACKS))),
    "torchvision": {
        "boxes": torch.tensor(BOXES),
        "scores": torch.tensor(SCORES),
        "labels": torch.tensor(LABELS),
    },
    "numpy mapping": {
        "boxes": np.array(BOXES),
        "scores": np.array(SCORES),
        "labels": np.array(LABELS, dtype=np.uint8),
        "track": TRACKS,
        "features": np.array(ROWS, dtype=np.float16),
        "masks": "not read",
    },
    "pair": (np.array(BOXES), SCORES),
    "triple": (BOXES, torch.tensor(SCORES, requires_grad=True), LABELS),
    "vendor": SimpleNamespace(**VENDOR),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(form):
    objects = read_result(FORMS[form])
    assert objects.boxes.tolist() == BOXES
    assert objects.scores.tolist() == SCORES
    assert objects.boxes.dtype == objects.scores.dtype == objects.features.dtype == torch.float32
    assert objects.labels is None if form == "pair" else objects.labels.tolist() == LABELS
    whole = form in ("frame objects", "numpy mapping", "vendor")
    assert objects.track.tolist() == TRACKS if whole else objects.track is None
    assert objects.features.tolist() == (ROWS if whole else [[], []])
    assert not objects.scores.requires_grad


def test_detections_of_supervision():
    supervision = pytest.importorskip("supervision", reason="an optional adapter's package")
    objects = read_result(supervision.Detections(**VENDOR))
    assert (objects.boxes.tolist(), objects.scores.tolist()) == (BOXES, SCORES)
    assert (objects.labels.tolist(), objects.track.tolist()) == (LABELS, TRACKS)
    assert objects.features.tolist() == ROWS
    assert len(read_result(supervision.Detections.empty()).boxes) == 0


def test_it_is_read_without_supervision(monkeypatch):
    monkeypatch.setitem(sys.modules, "supervision", None)
    assert read_result(SimpleNamespace(**VENDOR)).track.tolist() == TRACKS


def test_boxes_without_scores_are_sure():
    assert read_result({"boxes": BOXES}).scores.tolist() == [1, 1]
    assert read_result(SimpleNamespace(xyxy=BOXES, confidence=None)).scores.tolist() == [1, 1]


@pytest.mark.parametrize(
    "nothing", [{"boxes": [], "scores": [], "labels": []}, (np.zeros((0, 4)), np.zeros(0))]
)
def test_frames_without_boxes(nothing):
    objects = read_result(nothing)
    assert (objects.boxes.shape, objects.scores.shape, objects.features.shape) == ((0, 4), (0,), (0, 0))


def test_arrays_seen_backwards():
    boxes, scores = np.array(BOXES)[::-1], np.array(SCORES)[::-1]
    assert read_result((boxes, scores)).boxes.tolist() == BOXES[::-1]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (None, "got NoneType None"),
        (np.zeros((2, 6)), r"got ndarray of shape \[2, 6\]"),
        ([BOXES, SCORES], "got list of 2 values"),
        ((BOXES,), "got tuple of 1 values"),
        ({"bboxes": BOXES}, "got dict with 'bboxes'"),
        ({}, "got dict with nothing"),
        (SimpleNamespace(xyxy=BOXES, conf=SCORES), "got SimpleNamespace"),
        ("cat", "got str 'cat'"),
        ((BOXES, SCORES, ["cat", "dog"]), "'labels' must be an array of numbers, got list of 2 values"),
        (([[1, 2], [3]], SCORES), "'boxes' must be an array of numbers"),
        (([[1, 2, float("nan"), 4]], [0.5]), "'boxes' must be finite"),
        ((BOXES, [0.5, float("nan")]), "'scores' must be finite"),
    ],
)
def test_other_forms_are_named(wrong, named):
    with pytest.raises(DataError, match=named):
        read_result(wrong)


def test_lengths_that_differ():
    with pytest.raises(ShapeError, match=r"'scores' must be \[n=2\], got \[1\]"):
        read_result((BOXES, [0.5]))
    with pytest.raises(ShapeError, match=r"'boxes' must be \[n, 4\], got \[2, 5\]"):
        read_result((np.zeros((2, 5)), SCORES))
