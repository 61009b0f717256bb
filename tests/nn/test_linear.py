"""``Linear`` compared with ``nn.Linear``: outputs, gradients, and where the quick product must not be used."""

import pickle

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad

from stgraph.nn import linear
from stgraph.nn.linear import Linear


@pytest.fixture(autouse=True)
def all_sizes(monkeypatch):
    monkeypatch.setattr(linear, "LEAST_PRODUCTS", 1)


@pytest.fixture
def calls(monkeypatch):
    """The products that oneDNN has computed."""
    found, product = [], linear._product
    monkeypatch.setattr(linear, "_product", lambda *given: found.append(given[0].shape) or product(*given))
    return found


def pair(inside, outside, bias=True):
    torch.manual_seed(3)
    ours = Linear(inside, outside, bias=bias)
    torch.manual_seed(3)
    return ours, nn.Linear(inside, outside, bias=bias)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(7, 12), (3, 5, 12), (12,), (0, 12), (2, 1, 4, 12)])
@pytest.mark.parametrize("outside", [5, 90])  # the gradient of a wide weight is computed in another order
def test_outputs_and_gradients_are_those_of_pytorch(shape, outside, bias, calls):
    ours, theirs = pair(12, outside, bias)
    x = torch.randn(shape)
    answers = []
    for layer in (ours, theirs):
        inputs = x.clone().requires_grad_()
        out = layer(inputs)
        above = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
        answers.append((out, *torch.autograd.grad(out, (inputs, *layer.parameters()), above)))
    torch.testing.assert_close(answers[0], answers[1], rtol=1e-5, atol=1e-5)
    assert bool(calls) == (len(shape) > 1 and 0 not in shape)


def test_any_strides(calls):
    ours, theirs = pair(12, 8)
    x = torch.randn(12, 30).T[::2]
    torch.testing.assert_close(ours(x), theirs(x))
    above = torch.randn(8, 15).T
    ours(x).backward(above)
    theirs(x).backward(above)
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)
    assert calls


@pytest.mark.parametrize("outside", [8, 90])
def test_onednn_never_multiplies_by_rows_that_are_apart_or_repeated(outside, monkeypatch):
    # It computes such a product correctly, but a thousand times as slowly.
    known, product = [], torch.ops.mkldnn._linear_pointwise
    monkeypatch.setattr(
        torch.ops.mkldnn, "_linear_pointwise", lambda *given: known.append(given[1]) or product(*given)
    )
    x, (ours, theirs) = torch.randn(15, 12), pair(12, outside)
    for above in (torch.randn(15, 2 * outside)[:, :outside], torch.ones(1, outside).expand(15, outside)):
        ours.zero_grad()
        theirs.zero_grad()
        ours(x).backward(above)
        theirs(x).backward(above)
        torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)
    ours.weight = nn.Parameter(torch.randn(outside, 24)[:, :12])
    torch.testing.assert_close(ours(x), nn.functional.linear(x, ours.weight, ours.bias))
    assert len(known) >= 3
    assert all(each.is_contiguous() or each.T.is_contiguous() for each in known)


def test_gradients_of_gradients():
    ours, theirs = pair(6, 40)
    x = torch.randn(4, 6)
    found = []
    for layer in (ours, theirs):
        inputs = x.clone().requires_grad_()
        (first,) = torch.autograd.grad(layer(inputs).tanh().sum(), inputs, create_graph=True)
        found.append(torch.autograd.grad(first.square().sum(), (inputs, layer.weight, layer.bias)))
    torch.testing.assert_close(found[0], found[1])


@pytest.mark.parametrize("kind", ["float64", "autocast", "functorch", "forward mode", "compiled", "small"])
def test_everything_else_computes_as_pytorch_does(kind, calls, monkeypatch):
    ours, theirs = pair(12, 8)
    x = torch.randn(5, 12)
    if kind == "float64":
        torch.testing.assert_close(ours.double()(x.double()), theirs.double()(x.double()))
    elif kind == "autocast":
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(ours(x), theirs(x))
    elif kind == "functorch":
        jacobians = [torch.func.vmap(torch.func.jacrev(layer))(x) for layer in (ours, theirs)]
        torch.testing.assert_close(*jacobians)
    elif kind == "forward mode":
        with forward_ad.dual_level():
            tangents = [
                forward_ad.unpack_dual(layer(forward_ad.make_dual(x, x.cos()))).tangent
                for layer in (ours, theirs)
            ]
        torch.testing.assert_close(*tangents)
    elif kind == "compiled":
        torch.testing.assert_close(torch.compile(ours, backend="eager", fullgraph=True)(x), theirs(x))
    else:
        monkeypatch.setattr(linear, "LEAST_PRODUCTS", 12 * 5 * 8 + 1)
        assert torch.equal(ours(x), theirs(x))
    assert not calls


def test_another_width_is_refused_as_pytorch_refuses_it():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        Linear(12, 8)(torch.randn(5, 11))


def test_state_and_copies():
    ours, theirs = pair(12, 8)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert torch.equal(ours.weight, theirs.weight)
    again = pickle.loads(pickle.dumps(ours))
    assert torch.equal(again(torch.ones(1, 12)), ours(torch.ones(1, 12)))
    assert str(ours) == str(theirs)
