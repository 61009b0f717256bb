import pytest
import torch

from stgraph.errors import ShapeError
from stgraph.extraction.extractors.objects import roi_features
from tests.reference.roi_align import max_roi_features


@pytest.mark.parametrize("stride", [32, 16])
def test_equals_the_slow_oracle(stride):
    torch.manual_seed(0)
    cells = torch.randn(1, 5, 6, 9)
    height, width = 6 * stride, 9 * stride
    corners = torch.rand(40, 2, 2) * torch.tensor([width, height])
    boxes = torch.cat([corners.min(1).values, corners.max(1).values], dim=1)
    edges = torch.tensor(
        [
            [0.0, 0, width, height],  # the whole image
            [0, 0, 0.01, 0.01],  # a single corner point
            [width - 1, height - 1, width, height],
            [3.5, 0, 4.5, height],  # narrow
        ]
    )
    boxes = torch.cat([boxes, edges])
    expected = torch.from_numpy(max_roi_features(cells[0], boxes, stride)).float()
    torch.testing.assert_close(roi_features(cells, boxes, stride), expected, atol=1e-4, rtol=0)


def test_on_a_ramp_it_is_the_rightmost_point():
    """For F(y, x) = x a bin equals the x of its centre; that of the last bin lies 6.5 / 7 of the way across."""
    ramp = torch.arange(8.0).expand(1, 1, 8, 8)
    left, right = 64.0, 192.0
    expected = left / 32 - 0.5 + (right - left) / 32 * 6.5 / 7
    assert roi_features(ramp, torch.tensor([[left, 50, right, 130]])).item() == pytest.approx(
        expected, abs=1e-5
    )


def test_no_boxes_and_half_precision():
    cells = torch.randn(1, 3, 4, 4)
    assert roi_features(cells, torch.zeros(0, 4)).shape == (0, 3)
    box = torch.tensor([[10.0, 20, 100, 90]])
    half = roi_features(cells.half(), box)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, roi_features(cells, box), atol=5e-3, rtol=0)


def test_other_axes_are_refused():
    with pytest.raises(ShapeError, match=r"'cells' must be \[1, C, h, w\], got \[2, 3, 4, 4\]"):
        roi_features(torch.zeros(2, 3, 4, 4), torch.zeros(1, 4))
    with pytest.raises(ShapeError, match=r"'boxes' must be \[n, 4\]"):
        roi_features(torch.zeros(1, 3, 4, 4), torch.zeros(1, 5))
