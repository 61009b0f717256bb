"""Base class of clip extractors (16 frames per item, one motion vector each), their resizing and initialisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
import torchvision
from torch import Tensor, nn
from torchvision.transforms import functional as transforms

from stgraph.extraction.extractors.image_transforms import normalize, resize_and_crop
from stgraph.extraction.extractors.protocol import ItemFeatures, NetworkExtractor

__all__ = ["ClipExtractor", "initialize", "stretch_and_crop"]


class ClipExtractor(NetworkExtractor):
    """Base class of extractors whose network turns a clip of 16 frames into one vector, the stream "motion".

    Attributes:
        mean: Mean of each channel, for values scaled to 0..1.
        std: Standard deviation of each channel, for values scaled to 0..1.

    Shapes: the network maps ``[B, 3, 16, H, W]`` to ``[B, D]``.
    """

    streams: tuple[str, ...] = ("motion",)
    frames_per_item = 16
    versions: Mapping[str, str] = {"torchvision": torchvision.__version__.partition("+")[0]}
    mean: ClassVar[tuple[float, float, float]]
    std: ClassVar[tuple[float, float, float]]

    def preprocess(self, frames: Tensor) -> Tensor:
        """Centre crop of the clip resized to a short side of 256, ``[3, 16, 224, 224]`` uint8."""
        return resize_and_crop(frames, 256, 224).transpose(0, 1).contiguous()

    def batch(self, items: Sequence[Tensor]) -> Tensor:
        """Stacks and normalises clips for the network."""
        return normalize(items, self.device, self.mean, self.std)

    @torch.inference_mode()
    def extract(self, items: Sequence[Tensor]) -> list[ItemFeatures]:
        """Returns the vector of each clip."""
        with self.autocast():
            vectors = self.network(self.batch(items))
        return [{"motion": vector} for vector in vectors.float().cpu()]


def stretch_and_crop(frames: Tensor, size: tuple[int, int], crop: int) -> Tensor:
    """Resizes a clip to the given height and width, regardless of its aspect ratio, and takes the centre crop.

    Resizing is not antialiased and rounds to uint8, as in the training of the networks that use it.

    Shapes: frames ``[16, H, W, 3]`` uint8 -> ``[3, 16, crop, crop]`` uint8.
    """
    resized = transforms.resize(frames.permute(0, 3, 1, 2), list(size), antialias=False)
    return transforms.center_crop(resized, [crop, crop]).transpose(0, 1).contiguous()


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
