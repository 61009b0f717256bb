"""Base class of clip extractors (16 frames per item, one motion vector each), their resizing and initialisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
import torchvision
from torch import Tensor, nn
from torchvision.transforms import functional as transforms

from stgraph.checking import checked
from stgraph.extraction.extractors.image_transforms import (
    check_frames,
    normalize,
    resize_and_crop,
    stacked,
)
from stgraph.extraction.extractors.protocol import ItemFeatures, NetworkExtractor
from stgraph.typing import check_shape

__all__ = ["ClipExtractor", "initialize", "stretch_and_crop"]


LARGE_FRAME = 1 << 25
"""Bytes of a frame; 4K video has 25 million."""


@checked
class ClipExtractor(NetworkExtractor):
    """Base class of extractors whose network turns a clip of 16 frames into one vector, the stream "motion".

    Attributes:
        item_axes: Axes of a clip that the network takes, with their fixed sizes.
        mean: Mean of each channel, for values scaled to 0..1.
        std: Standard deviation of each channel, for values scaled to 0..1.

    Shapes: the network maps ``[B, 3, 16, H, W]`` to ``[B, D]``.
    """

    streams: tuple[str, ...] = ("motion",)
    frames_per_item = 16
    versions: Mapping[str, str] = {"torchvision": torchvision.__version__.partition("+")[0]}
    item_axes: ClassVar[str] = "3 16 h w"
    mean: ClassVar[tuple[float, float, float]]
    std: ClassVar[tuple[float, float, float]]

    def reduce_frame(self, frame: Tensor) -> Tensor:
        """Centre crop of the frame resized to a short side of 256, ``[3, 224, 224]`` uint8."""
        check_frames("frame", frame, "H W 3")
        return resize_and_crop(frame[None], 256, 224)[0]

    def join_frames(self, frames: Sequence[Tensor]) -> Tensor:
        """The clip, ``[3, 16, H, W]`` uint8."""
        return stacked("frames", frames, "3 h w", dim=1)

    def preprocess(self, frames: Tensor) -> Tensor:
        """The clip of reduced frames, ``[3, 16, H, W]`` uint8."""
        check_frames("frames", frames, k=self.frames_per_item)
        return self.join_frames([self.reduce_frame(frame) for frame in frames])

    def batch(self, items: Sequence[Tensor]) -> Tensor:
        """Stacks and normalises clips for the network."""
        return normalize(items, self.device, self.mean, self.std, "3 16 h w")

    @torch.inference_mode()
    def extract(self, items: Sequence[Tensor]) -> list[ItemFeatures]:
        """Returns the vector of each clip."""
        batch = self.batch(items)
        check_shape("items", batch, f"B {self.item_axes}")
        with self.autocast():
            vectors = self.network(batch)
        return [{"motion": vector} for vector in vectors.float().cpu()]


def stretch_and_crop(frame: Tensor, size: tuple[int, int], crop: int) -> Tensor:
    """Resizes a frame to the given height and width, regardless of its aspect ratio, and takes the centre crop.

    Resizing is not antialiased and rounds to uint8, as in the training of the networks that use it. It computes with
    floating-point numbers, so the channels of very large frames are resized one by one to save memory.

    Shapes: frame ``[H, W, 3]`` uint8 -> ``[3, crop, crop]`` uint8.

    Raises:
        ShapeError: If ``frame`` has other axes or no pixels.
        OptionError: If ``frame`` is no uint8 tensor.
    """
    check_frames("frame", frame, "H W 3")
    parts = frame.permute(2, 0, 1)[None].split(1 if frame.nbytes > LARGE_FRAME else 3, dim=1)
    resized = torch.cat([transforms.resize(part, list(size), antialias=False) for part in parts], dim=1)
    return transforms.center_crop(resized[0], [crop, crop]).contiguous()


def initialize(network: nn.Module) -> nn.Module:
    """Initialises a network so that activations keep their scale from layer to layer; returns the network.

    With PyTorch's default initialisation they shrink by about half per layer, and after 20 layers hardly depend on the
    input.

    Reference: He et al., ICCV 2015, Eq. 10.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv3d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network
