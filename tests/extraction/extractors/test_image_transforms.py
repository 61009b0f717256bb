"""Frames of any shape are resized in bounded memory, as torchvision resizes them."""

import pytest
import torch
from torchvision.transforms import functional as old_transforms
from torchvision.transforms.v2 import functional as transforms

from stgraph.extraction.extractors import image_transforms
from stgraph.extraction.extractors.image_transforms import resampled_crop, resize_and_crop
from stgraph.extraction.extractors.motion import clip
from stgraph.extraction.extractors.motion.clip import stretch_and_crop


def noise(*shape):
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def whole(frames, short, crop):
    """The crop of the frames resized as a whole."""
    images = frames.permute(0, 3, 1, 2)
    height, width = images.shape[2:]
    long = max(height, width) * short // min(height, width)
    size = [short, long] if height <= width else [long, short]
    return size, transforms.center_crop(transforms.resize(images, size, antialias=True), [crop, crop])


@pytest.mark.parametrize("size", [(240, 320), (33, 47), (480, 200), (360, 640)])
def test_ordinary_frames_are_resized_as_torchvision_does_to_the_bit(size):
    frames = noise(2, *size, 3)
    assert resize_and_crop(frames, 256, 224).equal(whole(frames, 256, 224)[1])


@pytest.mark.parametrize(
    "size", [(240, 320), (33, 47), (480, 200), (720, 1280), (1, 70), (3, 200), (200, 3), (2, 161)]
)
def test_a_part_computed_alone_differs_from_the_whole_by_rounding_at_most(size):
    frames = noise(1, *size, 3)
    resized, expected = whole(frames, 256, 224)
    found = resampled_crop(frames.permute(0, 3, 1, 2), tuple(resized), 224)
    assert found.dtype == torch.uint8
    assert (found.int() - expected.int()).abs().max() <= 1


def test_of_a_long_frame_only_the_middle_is_computed(monkeypatch):
    monkeypatch.setattr(transforms, "resize", None)  # it would make 1.3 billion pixels
    frames = torch.zeros(1, 1, 20_000, 3, dtype=torch.uint8)
    frames[..., 10_000:, :] = 200  # the right half
    found = image_transforms.resize_and_crop(frames, 256, 224)
    assert found.shape == (1, 3, 224, 224)
    # One pixel is 256 wide here: the middle of the picture is where the two middle ones meet.
    assert found[0, :, 0, 0].max() < 20 < 180 < found[0, :, 0, -1].min()
    assert resize_and_crop(frames.transpose(1, 2), 256, 224).equal(found.transpose(2, 3))


@pytest.mark.parametrize("size", [(240, 320), (33, 47), (90, 50)])
def test_a_clip_is_stretched_frame_by_frame_as_at_once(monkeypatch, size):
    frames = noise(16, *size, 3)
    resized = old_transforms.resize(frames.permute(0, 3, 1, 2), [256, 256], antialias=False)
    expected = old_transforms.center_crop(resized, [224, 224]).transpose(0, 1)
    found = torch.stack([stretch_and_crop(frame, (256, 256), 224) for frame in frames], dim=1)
    assert found.equal(expected)
    monkeypatch.setattr(clip, "LARGE_FRAME", 0)  # each channel by itself
    found = torch.stack([stretch_and_crop(frame, (256, 256), 224) for frame in frames], dim=1)
    assert (found.int() - expected.int()).abs().max() <= 1
