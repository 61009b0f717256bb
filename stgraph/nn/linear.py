"""The linear layer of all models: that of PyTorch, with large float32 products on a CPU computed by oneDNN."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.nn import functional

__all__ = ["Linear"]

LEAST_PRODUCTS = 1 << 24
"""Multiplications from which the gain is larger than the cost of a second call from Python."""
WIDE_VECTORS = torch.backends.cpu.get_cpu_capability() == "AVX512"
"""Whether oneDNN gains at the gradient of every weight, and not only at that of a vocabulary."""


class Linear(nn.Linear):
    r""":math:`x W^\top + b`, with the parameters, initial weights and state of ``nn.Linear``.

    PyTorch computes float32 products on a CPU by MKL, which uses less of an AMD processor than oneDNN does. On an EPYC
    without AVX-512 the forward product and the gradient of the input take 10 to 25 % less time by oneDNN, and the gradient
    of the weight of a vocabulary 20 % less; on one of family 26, with AVX-512, all products take half of the time. Outputs
    are equal but for rounding. Everything else computes as ``nn.Linear``: other devices and types, small products,
    autocast, functorch, ``torch.compile``, and gradients of gradients.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Applies the layer to ``x`` ``[*, in_features]``."""
        if _by_onednn(x, self.weight):
            out: Tensor = _OneDnnLinear.apply(x, self.weight, self.bias)
            return out
        return functional.linear(x, self.weight, self.bias)


def _by_onednn(x: Tensor, weight: Tensor) -> bool:
    return (
        x.dim() >= 2
        and x.numel() * weight.size(0) >= LEAST_PRODUCTS
        and type(x) is Tensor  # not the stand-ins of FakeTensorMode and the like
        and type(weight) in (nn.Parameter, Tensor)
        and x.is_cpu
        and weight.is_cpu
        and x.dtype == weight.dtype == torch.float32
        and x.size(-1) == weight.size(1)
        and not torch.compiler.is_compiling()
        and not torch.is_autocast_enabled("cpu")
        and not torch._C._are_functorch_transforms_active()
        and forward_ad._current_level < 0
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


class _OneDnnLinear(torch.autograd.Function):
    """The product and its gradients; gradients of gradients are those of PyTorch's own products."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        grad, rows = grads[0].flatten(0, -2), x.flatten(0, -2)
        again = torch.is_grad_enabled()
        grad_x = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_x = (grad @ weight if again else _product(grad, weight.T)).view_as(x)
        if ctx.needs_input_grad[1]:
            gains = not again and (WIDE_VECTORS or weight.size(0) > 4 * weight.size(1))
            grad_weight = _product(rows.T, grad.T).T if gains else grad.T @ rows
        if ctx.needs_input_grad[2]:
            grad_bias = grad.sum(0)
        return grad_x, grad_weight, grad_bias


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if not (weight.is_contiguous() or weight.T.is_contiguous()):
        weight = weight.contiguous()  # rows that are apart or repeated take it a thousand times as long
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product
