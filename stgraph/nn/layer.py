"""Base class of the layers with parameters."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils import skip_init
from torch_geometric.nn.inits import reset

__all__ = ["Layer", "uninitialized_linear"]


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
    return skip_init(nn.Linear, in_channels, out_channels, bias=bias, device=device)
