"""Optional compiled packages; plain PyTorch defines every result without them."""

from __future__ import annotations

from types import ModuleType

import torch

__all__ = ["torch_scatter_for"]

try:
    import torch_scatter
except (ImportError, OSError):  # OSError: a wheel built for another torch; `make sparse` builds a fitting one
    torch_scatter = None


def torch_scatter_for(device: torch.device) -> ModuleType | None:
    """Returns the package ``torch_scatter`` if it is installed and supports the device, else None.

    Built without a GPU toolchain, it imports without an error and fails on the first CUDA tensor; its version operator
    reports this. ``torch.compile`` cannot trace its operators, so compiled code takes plain PyTorch.
    """
    if torch_scatter is None or torch.compiler.is_compiling():
        return None
    if device.type == "cpu" or (device.type == "cuda" and torch.ops.torch_scatter.cuda_version() != -1):
        return torch_scatter
    return None
