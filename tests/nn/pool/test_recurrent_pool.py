import pytest
import torch
from torch import nn

from stgraph.errors import ShapeError
from stgraph.nn import RecurrentPool


def test_each_group_is_read_by_itself():
    torch.manual_seed(0)
    pool, x = RecurrentPool(6), torch.randn(6, 6)
    out = pool(x, torch.tensor([0, 0, 0, 2, 3, 3]), 5)
    for group, rows in ((0, x[:3]), (2, x[3:4]), (3, x[4:])):
        _, last = nn.GRU.forward(pool.gru, rows[None])
        torch.testing.assert_close(out[group], last[:, 0].reshape(-1))
    assert out[[1, 4]].abs().sum() == 0
    assert not torch.allclose(
        pool(x[:2].flip(0), torch.zeros(2).long(), 1), pool(x[:2], torch.zeros(2).long(), 1)
    )


def test_nothing_to_pool_and_wrong_widths():
    pool = RecurrentPool(6)
    assert pool(torch.zeros(0, 6), torch.zeros(0).long(), 2).tolist() == [[0.0] * 6] * 2
    with pytest.raises(ShapeError):
        pool(torch.zeros(1, 5), torch.zeros(1).long(), 1)
