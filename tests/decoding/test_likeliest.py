"""The likeliest words against ``torch.topk``."""

import pytest
import torch

from stgraph.decoding.likeliest import likeliest


@pytest.mark.parametrize("size", [1, 99, 100, 101, 1000, 1099, 10_000])
@pytest.mark.parametrize("count", [1, 2, 10, 150])
def test_equals_topk(size, count):
    values = torch.randn(5, size, generator=torch.Generator().manual_seed(size)).log_softmax(1)
    values[:, ::3] = -torch.inf
    values[3] = -torch.inf
    expected = values.topk(min(count, size))
    found, words = likeliest(values, count)
    assert torch.equal(found, expected.values)
    assert torch.equal(values.gather(1, words), found)
    assert all(len(row.unique()) == len(row) for row in words)


def test_of_equal_words_the_first():
    values = torch.zeros(2, 1050)
    values[0, [250, 730, 1049]] = 1.0
    assert likeliest(values, 1)[1].flatten().tolist() == [250, 0]


def test_no_rows():
    assert likeliest(torch.empty(0, 1000), 3)[0].shape == (0, 3)
