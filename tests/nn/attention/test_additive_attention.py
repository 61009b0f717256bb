import pytest
import torch

from stgraph.errors import OptionError, ShapeError
from stgraph.nn import AdditiveAttention
from tests.nn.attention.videos import attention_weights, check_all_learn, sharpen
from tests.reference.stat import additive

REAL = [[0, 1, 3], [2], [], [0, 1, 2, 3]]


def make(**options):
    torch.manual_seed(0)
    layer = sharpen(AdditiveAttention(5, 3, 4, **options))
    mask = torch.zeros(4, 4, dtype=torch.bool)
    for row, places in enumerate(REAL):
        mask[row, places] = True
    return layer, torch.randn(4, 3).double(), torch.randn(4, 4, 5).double(), mask


@pytest.mark.parametrize("temperature", [1.0, 0.1])
def test_equals_the_formula(temperature):
    layer, query, x, mask = make(temperature=temperature)
    with torch.no_grad():
        out = layer(query, layer.keys(x), mask)
    for row, places in enumerate(REAL):
        expected = additive(query[row], [x[row, s] for s in places], attention_weights(layer), temperature)
        torch.testing.assert_close(out[row, places].tolist(), expected)
        assert out[row].count_nonzero() == len(places)
    assert out[0].max() > 0.4


def test_keys_of_a_mixture_are_the_mixture_of_keys():
    layer, _, x, _ = make()
    share = torch.rand(4, 1, 4).double()
    torch.testing.assert_close(layer.keys(share @ x), share @ layer.keys(x))


def test_axes_between_are_sets_of_their_own():
    layer, query, x, mask = make()
    both = torch.stack([x, x.flip(1)], 1)
    out = layer(query, layer.keys(both), torch.stack([mask, mask.flip(1)], 1))
    torch.testing.assert_close(out[:, 0], layer(query, layer.keys(x), mask))
    torch.testing.assert_close(out[:, 1], out[:, 0].flip(1))


def test_every_parameter_learns():
    layer, query, x, mask = make()
    check_all_learn(layer, layer(query, layer.keys(x), mask))


def test_wrong_input_is_named():
    layer, query, x, mask = make()
    with pytest.raises(OptionError, match="'temperature' must be a finite number above 0, got 0"):
        AdditiveAttention(5, 3, 4, temperature=0)
    with pytest.raises(ShapeError, match=r"'query' must be \[P, H=3\], got \[4, 2\]"):
        layer(query[:, :2], layer.keys(x), mask)
    with pytest.raises(ShapeError, match=r"'mask' must be \[P=4, 4\], got \[4, 3\]"):
        layer(query, layer.keys(x), mask[:, :3])
