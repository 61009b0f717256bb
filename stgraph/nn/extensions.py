"""Whether the optional compiled packages can serve a device; plain PyTorch defines every answer without them."""

from __future__ import annotations

from types import ModuleType

import torch

__all__ = ["torch_scatter_for"]

try:
    import torch_scatter
except (ImportError, OSError):  # OSError: a wheel built for another torch; `make sparse` builds a fitting one
    torch_scatter = None


def torch_scatter_for(device: torch.device) -> ModuleType | None:
    """The package ``torch_scatter`` where it is installed and serves the device, else None.

    Built without a GPU toolchain it imports well and fails on the first CUDA tensor; its version operator tells.
    """
    if torch_scatter is None:
        return None
    if device.type == "cpu" or (device.type == "cuda" and torch.ops.torch_scatter.cuda_version() != -1):
        return torch_scatter
    return None
