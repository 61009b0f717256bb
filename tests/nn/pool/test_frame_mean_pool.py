import pytest
import torch

from stgraph.errors import OptionError, ShapeError
from stgraph.nn import FrameMeanPool


def test_means_by_loop_and_zero_rows_for_empty_frames():
    torch.manual_seed(0)
    x, frame = torch.randn(7, 3), torch.tensor([1, 1, 1, 2, 4, 4, 4])
    expected = torch.zeros(6, 3)
    for t in range(6):
        rows = [x[i] for i in range(7) if frame[i] == t]
        if rows:
            expected[t] = sum(rows) / len(rows)
    torch.testing.assert_close(FrameMeanPool()(x, frame, 6), expected)


def test_gradient_and_no_nodes():
    x = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    frame = torch.tensor([0, 0, 1, 3])
    assert torch.autograd.gradcheck(lambda x: FrameMeanPool()(x, frame, 4), (x,))
    assert FrameMeanPool()(torch.zeros(0, 2), torch.zeros(0, dtype=torch.long), 3).tolist() == [[0, 0]] * 3


def test_lengths_must_agree():
    with pytest.raises(ShapeError, match="'frame' must be"):
        FrameMeanPool()(torch.zeros(3, 2), torch.zeros(2, dtype=torch.long), 1)


def test_frames_beyond_the_number_of_frames_are_named():
    with pytest.raises(OptionError, match="'frame' must hold numbers from 0 to 1, got 4"):
        FrameMeanPool()(torch.ones(2, 3), torch.tensor([0, 4]), 2)
