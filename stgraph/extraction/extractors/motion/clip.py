"""What extractors of clips share: 16 frames to an item, one vector of motion from each, random weights that carry far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
import torchvision
from torch import Tensor, nn
from torchvision.transforms import functional as pictures_of

from stgraph.extraction.extractors.pictures import scale, shrink_and_crop
from stgraph.extraction.extractors.protocol import ItemFeatures, NetworkExtractor

__all__ = ["ClipExtractor", "initialize", "squash_and_crop"]


class ClipExtractor(NetworkExtractor):
    """An extractor whose network turns clips of 16 frames into one vector each, the stream "motion".

    Attributes:
        mean: What is subtracted from each plane, in shares of 255.
        std: What it is then divided by, in shares of 255.

    Shapes: the network takes ``[B, 3, 16, H, W]`` and gives ``[B, D]``.
    """

    streams: tuple[str, ...] = ("motion",)
    frames_per_item = 16
    versions: Mapping[str, str] = {"torchvision": torchvision.__version__.partition("+")[0]}
    mean: ClassVar[tuple[float, float, float]]
    std: ClassVar[tuple[float, float, float]]

    def preprocess(self, pictures: Tensor) -> Tensor:
        """The middle of the clip at a short side of 256, ``[3, 16, 224, 224]`` bytes."""
        return shrink_and_crop(pictures, 256, 224).transpose(0, 1).contiguous()

    def batch(self, items: Sequence[Tensor]) -> Tensor:
        """Clips of bytes as what the network takes."""
        return scale(items, self.device, self.mean, self.std)

    @torch.inference_mode()
    def extract(self, items: Sequence[Tensor]) -> list[ItemFeatures]:
        """The vector of each clip."""
        with self.autocast():
            vectors = self.network(self.batch(items))
        return [{"motion": vector} for vector in vectors.float().cpu()]


def squash_and_crop(pictures: Tensor, size: tuple[int, int], crop: int) -> Tensor:
    """Resizes a clip to this height and width, whatever its shape, and keeps the square of ``crop`` in the middle.

    Not antialiased, and rounded to bytes: so the networks that want this were trained.

    Shapes: pictures ``[16, H, W, 3]`` uint8 -> ``[3, 16, crop, crop]`` uint8.
    """
    resized = pictures_of.resize(pictures.permute(0, 3, 1, 2), list(size), antialias=False)
    return pictures_of.center_crop(resized, [crop, crop]).transpose(0, 1).contiguous()


def initialize(network: nn.Module) -> nn.Module:
    """Random weights under which values keep their size from layer to layer; returns the network.

    With PyTorch's usual ones they shrink by about half in each layer, and behind 20 of them hardly depend on the clip.

    Reference: He et al., ICCV 2015, Eq. 10.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv3d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network
