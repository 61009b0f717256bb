"""A GPU that is not there: fake tensors of torch, which know their device, with values that are computed on the CPU.

Fake tensors have torch's own rule of which devices may meet in an operation, but no values, so they end at the first size
that depends on data. Here each has its value as well, so that decoding and graph building run whole: torch's rule is applied
to the fake tensors, which fails where devices are mixed, and then the operation to the values.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from stgraph.checking import value_rules

__all__ = ["CUDA", "FakeGpu", "fake_gpu"]

CUDA = torch.device("cuda", 0)
CPU = torch.device("cpu")
# Reported to the autograd engine in place of CUDA, for which it would create a context.
ENGINE = torch.device("lazy", 0)
INDEXES = ("index", "index_put", "index_put_", "_index_put_impl_")
JOINS = ("cat", "stack")  # a GPU refuses a scalar on the CPU among these, unlike in arithmetic


@contextmanager
def fake_gpu() -> Iterator[FakeGpu]:
    """In this block, ``device="cuda"`` works without a GPU, and devices that are mixed raise an error."""
    enabled = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(False)  # its LSTM kernels are for the CPU only
    numpy = mock.patch.object(FakeTensor, "numpy", _numpy, create=True)
    count = mock.patch.object(value_rules, "number_of_gpus", return_value=1)
    try:
        with numpy, count, FakeGpu() as mode:
            yield mode
    finally:
        torch._C._set_mkldnn_enabled(enabled)


class FakeGpu(FakeTensorMode):
    """Fake tensors with values; see the module."""

    def moved(self, module: nn.Module) -> nn.Module:
        """A copy of a module that was made outside, on the GPU."""
        with torch._C._DisableTorchDispatch():
            module = copy.deepcopy(module)
        for part in module.modules():
            for name, value in (*part._parameters.items(), *part._buffers.items()):
                if value is not None:
                    fake = self._fake(value, CUDA)
                    is_parameter = isinstance(value, nn.Parameter)
                    setattr(part, name, nn.Parameter(fake, value.requires_grad) if is_parameter else fake)
        return module

    def dispatch(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.prim.device.default:  # asked from C++; Python asks FakeTensor.device
            return ENGINE if args[0].device == CUDA else args[0].device
        if func is torch.ops.aten._pack_padded_sequence.default:  # both lengths stay on the CPU
            rows, sizes = func(args[0].value, *map(_plain, args[1:]))
            return self._fake(rows, args[0].device), sizes
        given, spec = tree_flatten((args, kwargs or {}))
        given = [self._faked(each) for each in given]
        device = _device_of(func, given, kwargs or {})
        plain = [_plain(each) for each in given]
        args, kwargs = tree_unflatten(plain, spec)
        values = func(*args, **kwargs)
        changed = {id(value): fake for value, fake in zip(plain, given, strict=True)}

        def fake(value: Any) -> Any:
            if not isinstance(value, Tensor):
                return value
            return changed[id(value)] if id(value) in changed else self._fake(value, device)

        return tree_map(fake, values)

    def _faked(self, value: Any) -> Any:
        """A tensor that was made outside, or from an array, is one on the CPU."""
        plain = isinstance(value, Tensor) and not isinstance(value, FakeTensor)
        return self._fake(value, CPU) if plain else value

    def _fake(self, value: Tensor, device: torch.device) -> FakeTensor:
        with torch._C._DisableTorchDispatch():
            value = value.detach()
            stride = value.stride() if value.layout is torch.strided else (value.size(1), 1)
            meta = torch.empty_strided(value.shape, stride, dtype=value.dtype, device="meta")
        fake = FakeTensor(self, meta, device)
        fake.value = value
        return fake


def _plain(each: Any) -> Any:
    if isinstance(each, FakeTensor):
        return each.value
    return CPU if isinstance(each, torch.device) and each.type in ("cuda", ENGINE.type) else each


def _numpy(fake: Any) -> np.ndarray:
    if fake.device == CUDA:
        raise TypeError("can't convert a tensor on cuda:0 to numpy")
    with torch._C._DisableTorchDispatch():
        return fake.value.numpy()


def _device_of(func: Any, given: list[Any], kwargs: dict[str, Any]) -> torch.device:
    """The device of what an operation returns.

    Raises:
        RuntimeError: If a GPU would refuse it.
    """
    name = func.overloadpacket.__name__
    tensors = [each for each in given if isinstance(each, FakeTensor)]
    devices = [each.device for each in tensors]
    mixed = len(set(devices)) > 1
    if not mixed:
        if (asked := kwargs.get("device")) is not None:
            return CPU if torch.device(asked).type == "cpu" else CUDA
        return devices[0] if devices else CPU
    if name == "copy_":
        return devices[0]
    if name in INDEXES and devices[0] == CUDA:  # indices may be on the CPU, but not what is written there
        given = [tensors[0], tensors[0 if name == "index" else -1]]
    device, _ = FakeTensor._find_common_device(func, given)
    if name in JOINS or (func._schema.is_mutable and devices[0] != device):
        raise RuntimeError(f"{name}: all tensors must be on the same device, got {devices}")
    return device
