"""Packed weights against ``nn.Linear``."""

import pytest
import torch
from torch import nn

from stgraph.nn import packed_linear
from stgraph.nn.packed_linear import packed_linears

pytestmark = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="PyTorch was built without oneDNN"
)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(512, 600), nn.ReLU(), nn.Linear(600, 512, bias=False), nn.Linear(512, 3))


def packed_of(model):
    return [name for name, layer in model.named_modules() if "forward" in vars(layer)]


@pytest.mark.parametrize("shape", [(1,), (7,), (64,), (3, 5), (0,)])
def test_outputs_are_equal(model, shape):
    x = torch.randn(*shape, 512)
    with torch.no_grad():
        expected = model(x)
        with packed_linears(model):
            assert packed_of(model) == ["0", "2"]
            for _ in range(3):
                torch.testing.assert_close(model(x), expected)
    assert packed_of(model) == []


def test_new_weights_are_used_by_the_next_context(model):
    x = torch.randn(4, 512)
    for _ in range(2):
        with torch.no_grad(), packed_linears(model):
            model(x)
            packed = model(x)
        torch.testing.assert_close(packed, model(x).detach())
        model[0].weight.data.mul_(2)  # raises no version counter


def test_weights_are_packed_once_and_only_for_a_second_call(model, monkeypatch):
    packed, pack = [], torch.ops.mkldnn._reorder_linear_weight
    monkeypatch.setattr(
        torch.ops.mkldnn,
        "_reorder_linear_weight",
        lambda *given: packed.append(given[0].shape) or pack(*given),
    )
    with torch.no_grad(), packed_linears(model):
        for found in (0, 2, 2):
            model(torch.randn(4, 512))
            assert len(packed) == found


def test_an_inner_context_leaves_the_outer_one_alone(model):
    with packed_linears(model):
        with packed_linears(model):
            pass
        assert packed_of(model) == ["0", "2"]


def test_an_error_ends_it(model):
    with pytest.raises(ValueError), packed_linears(model):
        raise ValueError
    assert packed_of(model) == []


def test_gradients_and_autocast_compute_as_usual(model):
    x = torch.randn(4, 512)
    with packed_linears(model):
        model(x).sum().backward()
        assert model[0].weight.grad.abs().sum() > 0
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            assert model(x).dtype == torch.bfloat16
        model.double()
        assert model(x.double()).dtype == torch.float64


@pytest.mark.parametrize("change", [lambda model: model.double(), lambda model: model.to("meta")])
def test_other_weights_are_left_alone(model, change):
    with packed_linears(change(model)):
        assert packed_of(model) == []


def test_subclasses_and_what_is_no_module_are_left_alone(model):
    class Adapted(nn.Linear):
        def forward(self, x):
            return super().forward(x) + 1

    adapted = Adapted(512, 600)
    with packed_linears(adapted), packed_linears(object()):
        assert packed_of(adapted) == []


def test_without_onednn_nothing_is_packed(model, monkeypatch):
    monkeypatch.setattr(packed_linear.torch.backends.mkldnn, "is_available", lambda: False)
    with packed_linears(model):
        assert packed_of(model) == []
