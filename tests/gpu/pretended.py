"""A GPU that is only pretended: values are computed on the CPU, and tensors say and demand that they are on ``cuda:0``.

Fake tensors of torch know devices but no values, so they end at the first size that depends on data. Here every value is
real, which lets decoding and graph building run whole. A tensor that is made without a device stays on the CPU, and an
operation that joins it with one on the GPU fails as it would there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map

__all__ = ["CUDA", "PretendedGpu", "on_gpu"]

CUDA = torch.device("cuda", 0)
_MARK = "_pretended_on_gpu"
_READS = (
    "item",
    "tolist",
    "__bool__",
    "__int__",
    "__float__",
    "__index__",
    "__len__",
    "__repr__",
    "__format__",
)
_TO_CPU = ("cpu", "numpy")


def on_gpu(value: Any) -> bool:
    return isinstance(value, Tensor) and _MARK in value.__dict__


def _mark(value: Any) -> Any:
    if isinstance(value, Tensor):
        value.__dict__[_MARK] = True
    return value


def _is_cuda(device: Any) -> bool:
    return device is not None and not isinstance(device, int) and torch.device(device).type == "cuda"


def _as_cpu(value: Any) -> Any:
    return (
        torch.device("cpu")
        if isinstance(value, torch.device) or (isinstance(value, str) and value.startswith("cuda"))
        else value
    )


class PretendedGpu(TorchFunctionMode):
    """Inside the mode, ``device="cuda"`` is pretended."""

    def move(self, module: nn.Module) -> nn.Module:
        """Puts the weights and buffers of a module on the pretended GPU."""
        for value in (*module.parameters(), *module.buffers()):
            _mark(value)
        return module

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        owner = getattr(func, "__self__", None)
        if name == "__get__" and getattr(owner, "__name__", "") in ("device", "is_cuda", "is_cpu"):
            return self._property(owner.__name__, func, args)
        if name == "__get__":
            return self._like(args, func(*args, **kwargs))
        tensors = [each for each in tree_flatten((args, kwargs))[0] if isinstance(each, Tensor)]
        wanted = self._device(name, args, kwargs)
        if wanted is not None:
            args, kwargs = tree_map(
                lambda each: (
                    torch.device("cpu") if isinstance(each, torch.device) or each == "cuda" else each
                ),
                (args, kwargs),
            )
        marked = [on_gpu(each) for each in tensors]
        if name not in ("__set__", "__setitem__", "__getitem__", "to", "copy_") or name == "__setitem__":
            self._check(func, name, tensors, marked)
        result = func(*args, **kwargs)
        if name in _READS or name in _TO_CPU:
            return result.clone() if isinstance(result, Tensor) and any(marked) else result
        if wanted is not None:
            if not _is_cuda(wanted):
                return result.clone() if any(marked) else result
            if isinstance(result, Tensor) and not on_gpu(result) and any(result is each for each in tensors):
                result = result.clone()
            return _mark(result)
        if name == "__getitem__":
            if tensors and not marked[0] and any(marked):
                raise RuntimeError(
                    "indices should be on the CPU: a tensor on the CPU is indexed by one on cuda:0"
                )
            return _mark(result) if marked and marked[0] else result
        return self._like(tensors, result)

    @staticmethod
    def _property(which: str, func: Any, args: Any) -> Any:
        marked = on_gpu(args[0])
        if which == "device":
            return CUDA if marked else func(*args)
        return marked if which == "is_cuda" else not marked

    @staticmethod
    def _like(inputs: Any, result: Any) -> Any:
        return tree_map(_mark, result) if any(on_gpu(each) for each in inputs) else result

    @staticmethod
    def _device(name: str, args: Any, kwargs: Any) -> Any:
        """The device that a call asks for: by name, or by position in ``Tensor.to``."""
        if kwargs.get("device") is not None:
            return kwargs["device"]
        if name == "cuda":
            return CUDA
        if name == "to":
            for each in args[1:]:
                if isinstance(each, (torch.device, str)):
                    return each
                if isinstance(each, Tensor):
                    return CUDA if on_gpu(each) else "cpu"
        return None

    @staticmethod
    def _check(func: Any, name: str, tensors: list[Tensor], marked: list[bool]) -> None:
        if any(marked) and not all(marked):
            lost = [list(t.shape) for t, m in zip(tensors, marked, strict=True) if not m and t.dim()]
            if lost:
                raise RuntimeError(
                    f"{name or func}: expected all tensors on cuda:0, but tensors of shape {lost} are on the CPU"
                )
