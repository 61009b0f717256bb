"""Detectors on frames of a real clip, with random weights, at torchvision's own picture size."""

import pytest
import torch

from stgraph.extraction.extractors.objects import FasterRCNN
from stgraph.video import VideoReader
from tests.reference.roi_align import max_roi_features


@pytest.fixture(scope="module")
def clip(real_data):
    return VideoReader(real_data / "clips" / "video24.mp4").read([0, 5])


@pytest.fixture(scope="module")
def detector():
    return FasterRCNN("random", score_threshold=0.0)


@pytest.fixture(scope="module")
def found(detector, clip):
    items = [detector.preprocess(frame[None]) for frame in clip]
    return [description["object"] for description in detector.extract(items)]


def test_up_to_36_boxes_of_2048_in_each_frame(found, clip):
    height, width = clip.shape[1:3]
    for objects in found:
        assert (objects.boxes.shape, objects.features.shape) == ((36, 4), (36, 2048))
        x1, y1, x2, y2 = objects.boxes.unbind(1)
        assert bool(((x1 >= 0) & (x1 < x2) & (x2 <= width) & (y1 >= 0) & (y1 < y2) & (y2 <= height)).all())
        assert bool((objects.scores[1:] <= objects.scores[:-1]).all())
    assert not torch.equal(found[0].boxes, found[1].boxes)


def test_roi_features_equal_the_slow_oracle(detector, found, clip):
    """In the picture that the network sees: its short side is 800, or its long one 1333."""
    network = detector.network
    with torch.inference_mode():
        batch, _ = network.transform([clip[1].permute(2, 0, 1) / 255])
        cells = network.backbone.body(batch.tensors)["3"][0]
    (h, w), (height, width) = batch.image_sizes[0], clip.shape[1:3]
    assert h == 800 or w == 1333
    seen = found[1].boxes.double() * torch.tensor([w / width, h / height] * 2).double()
    expected = torch.from_numpy(max_roi_features(cells, seen, 32)).float()
    torch.testing.assert_close(found[1].features, expected, atol=1e-4 * float(cells.abs().max()), rtol=1e-4)


def test_two_frames_together_are_what_each_is_alone(detector, found, clip):
    alone = detector.extract([detector.preprocess(clip[1:])])[0]["object"]
    torch.testing.assert_close(alone.boxes, found[1].boxes, atol=1e-2, rtol=0)
    torch.testing.assert_close(alone.scores, found[1].scores, atol=1e-5, rtol=0)
    assert torch.equal(alone.labels, found[1].labels)
