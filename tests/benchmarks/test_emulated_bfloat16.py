"""Emulated products of bfloat16: those of PyTorch, with gradients, and nothing else is changed."""

import torch
from torch import nn

from benchmarks.ablation.emulated_bfloat16 import EmulatedBfloat16


def one_step(model: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    model.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = model(x)
        y = y @ y.transpose(-1, -2)
    loss = y.float().square().mean()
    loss.backward()
    return [loss.detach(), *(parameter.grad for parameter in model.parameters())]


def test_products_and_gradients_are_those_of_pytorch():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 16), nn.LayerNorm(16))
    x = torch.randn(3, 20, 16)
    expected = one_step(model, x)
    with EmulatedBfloat16():
        found = one_step(model, x)
    wide = one_step(model.double(), x.double())  # autocast leaves float64 as it is
    for ours, theirs, exact in zip(found, expected, wide, strict=True):
        # Both round to 8 bits at the same places; a sum in another order may round to the neighbour.
        assert (ours - theirs).abs().max() <= 0.01 * theirs.abs().max()
        assert (ours - exact).abs().max() > 1e-4 * exact.abs().max()  # it is rounded, not computed in float32


def test_products_of_float32_are_untouched():
    a, b = torch.randn(5, 7), torch.randn(7, 3)
    with EmulatedBfloat16():
        found = a @ b
    assert found.dtype == torch.float32
    assert torch.equal(found, a @ b)
