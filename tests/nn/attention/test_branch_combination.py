import pytest
import torch

from stgraph.errors import ShapeError
from stgraph.nn import BranchCombination
from tests.nn.attention.videos import check_all_learn, sharpen
from tests.reference.stats import combine


def make():
    torch.manual_seed(0)
    return sharpen(BranchCombination(5, 3, 4)), torch.randn(4, 3).double(), torch.randn(2, 4, 5).double()


def combination_weights(layer):
    """Weights of the layer, named as in Eq. 12."""
    names = ("ST", "TS")
    return {
        "W_h": layer.query.weight.detach(),
        **{f"W_{n}": part.weight.detach() for n, part in zip(names, layer.vectors, strict=True)},
        **{f"w_{n}": part.weight.detach()[0] for n, part in zip(names, layer.scores, strict=True)},
    }


def test_equals_equation_12():
    layer, query, (st, ts) = make()
    vector, weights = layer(query, st, ts)
    for p in range(4):
        expected = combine(query[p], st[p], ts[p], combination_weights(layer))
        torch.testing.assert_close(vector[p].detach(), expected)
    torch.testing.assert_close(weights.sum(1), torch.ones(4).double())
    assert weights.std(0).min() > 0.05


def test_every_parameter_learns():
    layer, query, (st, ts) = make()
    check_all_learn(layer, layer(query, st, ts)[0])


def test_wrong_input_is_named():
    layer, query, (st, ts) = make()
    with pytest.raises(ShapeError, match=r"'ts' must be \[P=4, D=5\], got \[4, 4\]"):
        layer(query, st, ts[:, :4])
