"""Base class of the layers with parameters."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils import skip_init
from torch_geometric.nn import MessagePassing
from torch_geometric.nn.inits import reset

from stgraph.nn.linear import Linear

__all__ = ["Layer", "remove_generated_files", "uninitialized_linear"]


class Layer(nn.Module):
    """A module whose parameters can be drawn again by :meth:`reset_parameters`, as in PyTorch Geometric."""

    def reset_parameters(self) -> None:
        """Draws all learnable parameters again, child by child in the order of their registration."""
        for child in self.children():
            reset(child)


def uninitialized_linear(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Linear:
    """A linear layer with undefined weights, for a layer that draws them at the end of its constructor.

    ``nn.Linear`` draws its weights when it is built; a second draw would shift the random numbers of all later layers.
    """
    device = torch.get_default_device()
    return skip_init(Linear, in_channels, out_channels, bias=bias, device=device)


def remove_generated_files(layer: MessagePassing) -> None:
    """Removes the source files that PyTorch Geometric generates for a layer and leaves in the folder of temporary files.

    Each process generates one per class of layers, imports it, and needs it no longer.
    """
    for kind in ("propagate", "edge_updater"):
        module = sys.modules.get(f"{type(layer).__module__}_{type(layer).__name__}_{kind}")
        for path in filter(None, (getattr(module, "__file__", None), getattr(module, "__cached__", None))):
            with suppress(OSError):  # it was removed
                Path(path).unlink()
