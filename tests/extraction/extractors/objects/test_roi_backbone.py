import pytest
import torch

from stgraph.errors import OptionError
from stgraph.extraction.extractors.image_transforms import IMAGENET_MEAN, IMAGENET_STD, normalize
from stgraph.extraction.extractors.objects.roi_backbone import RoIBackbone
from tests.reference.roi_align import max_roi_features


def frame(height, width, seed=0):
    return torch.randint(0, 256, (height, width, 3), dtype=torch.uint8, generator=torch.manual_seed(seed))


@pytest.fixture(scope="module")
def backbone():
    return RoIBackbone("resnet50", "random", side=64)


def test_the_short_side_is_given_and_the_long_one_at_most_twice_that(backbone):
    sizes = {
        (96, 128): (64, 85),
        (128, 96): (85, 64),
        (10, 10): (64, 64),
        (50, 400): (16, 128),
        (1, 3000): (1, 128),
    }
    for size, wanted in sizes.items():
        assert backbone.resize(frame(*size)).shape == (3, *wanted)


def test_features_are_the_last_stages_inside_the_boxes_of_the_frame(backbone):
    pixels = frame(48, 64)
    boxes = torch.tensor([[0.0, 0, 64, 48], [10, 5, 30, 44], [60, 40, 64, 48]])
    picture = backbone.resize(pixels)
    features = backbone.extract([picture], [boxes], [(48, 64)])[0]
    cells = backbone.resnet.network(normalize([picture], torch.device("cpu"), IMAGENET_MEAN, IMAGENET_STD))[
        "cells"
    ]
    assert picture.shape == (3, 64, 85)
    seen = boxes.double() * torch.tensor([85 / 64, 64 / 48] * 2).double()
    expected = torch.from_numpy(max_roi_features(cells[0], seen, 32)).float()
    torch.testing.assert_close(features, expected, atol=1e-4 * float(cells.max()), rtol=1e-4)


def test_a_frame_is_described_alike_alone_and_beside_others(backbone):
    sizes = [(48, 64), (64, 48), (48, 64), (48, 64)]
    pictures = [backbone.resize(frame(*size, seed=k)) for k, size in enumerate(sizes)]
    boxes = [torch.tensor([[0.0, 0, 40, 40], [8, 9, 20, 30]])[: 2 - k % 2] for k in range(4)]
    boxes[2] = torch.zeros(0, 4)
    together = backbone.extract(pictures, boxes, sizes)
    assert [len(rows) for rows in together] == [2, 1, 0, 1]
    assert together[2].shape == (0, 2048)
    for k in (0, 1, 3):
        alone = backbone.extract(pictures[k : k + 1], boxes[k : k + 1], sizes[k : k + 1])[0]
        torch.testing.assert_close(together[k], alone, rtol=1e-4, atol=1e-4 * float(alone.max()))


def test_a_resnet_18_gives_512_values():
    small = RoIBackbone("resnet18", "random", side=32)
    boxes = [torch.tensor([[0.0, 0, 40, 40]]), torch.zeros(0, 4)]
    found = small.extract([small.resize(frame(48, 64))] * 2, boxes, [(48, 64)] * 2)
    assert [rows.shape for rows in found] == [(1, 512), (0, 512)]
    assert found[0].std() > 0


def test_values_that_are_not_allowed():
    with pytest.raises(OptionError, match="'features' must be resnet18, resnet50, .* or null, got 'vgg16'"):
        RoIBackbone("vgg16", "random", 448)
    with pytest.raises(OptionError, match="'side' must be at least 32 pixels, got 8"):
        RoIBackbone("resnet50", "random", 8)
