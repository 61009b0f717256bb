"""Linear layers whose weights are packed once for many products with few rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from stgraph.nn.linear import Linear

__all__ = ["packed_linears"]

LEAST_WEIGHTS = 1 << 18
"""Smaller weights stay in the cache of a core, where the layout makes no difference."""


@contextmanager
def packed_linears(model: object) -> Iterator[None]:
    """Speeds up the large linear layers of a model on a CPU while its weights don't change, as between two words.

    A matrix product first rearranges the weights for the processor. With 64 captions and a vocabulary of 10,000 words that
    takes 40 % of the time, with 8 captions two thirds. Within this context each layer keeps its rearranged weights from its
    second call on (oneDNN, as PyTorch's compiler uses it for frozen weights); what is called once, as the encoder of the
    frames, does not gain from it. Outputs are equal but for rounding. Layers of other devices and types,
    small layers, and calls that need gradients or autocast compute as usual, and so does everything if PyTorch was built
    without oneDNN.

    Args:
        model: Any language model; if it is no ``nn.Module``, the context does nothing.
    """
    layers = _layers_of(model)
    for layer in layers:
        layer.forward = _packed(layer)  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        for layer in layers:
            vars(layer).pop("forward", None)


def _layers_of(model: object) -> list[nn.Linear]:
    """Linear layers that gain from it; those that an outer context has packed are left to it."""
    available = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    if not (isinstance(model, nn.Module) and available) or torch.compiler.is_compiling():
        return []
    return [
        layer
        for layer in model.modules()
        if isinstance(layer, nn.Linear)
        and type(layer) in (Linear, nn.Linear)
        and "forward" not in vars(layer)
        and _gains(layer.weight)
    ]


def _gains(weight: Tensor) -> bool:
    plain = type(weight) in (nn.Parameter, Tensor)  # not the stand-ins of FakeTensorMode and the like
    return plain and weight.is_cpu and weight.dtype == torch.float32 and weight.numel() >= LEAST_WEIGHTS


def _packed(layer: nn.Linear) -> Callable[[Tensor], Tensor]:
    own, weights, calls = layer.forward, None, 0

    def forward(x: Tensor) -> Tensor:
        nonlocal weights, calls
        if torch.is_grad_enabled() or torch.is_autocast_enabled("cpu") or x.dtype != torch.float32:
            return own(x)
        calls += 1
        if calls == 1:
            return own(x)
        if weights is None:
            weights = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), None)
        product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weights, layer.bias, "none", [], "")
        return product

    return forward
