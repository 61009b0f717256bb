"""torchvision's ResNets as frame extractors: the pooled vector and, on request, the 7 x 7 cells that it averages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import torch
import torchvision
from torch import Tensor, nn
from torchvision import models
from torchvision.models.feature_extraction import create_feature_extractor

from stgraph.checking import checked
from stgraph.extraction.extractors.image_transforms import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    check_frames,
    crop_area,
    normalize,
    resize_and_crop,
)
from stgraph.extraction.extractors.protocol import ItemFeatures, NetworkExtractor
from stgraph.extraction.extractors.weights import load_network
from stgraph.typing import Width

__all__ = ["ResNet18", "ResNet50", "ResNet101", "ResNet152", "ResNetExtractor"]


@checked
class ResNetExtractor(NetworkExtractor):
    """Base class of torchvision's ResNets without their classifiers.

    Frames are resized to a short side of 256 and centre-cropped to 224 x 224; the feature vector is the average pool
    after the last stage.

    Args:
        weights: See :func:`~stgraph.extraction.extractors.load_network`.
        grid: Whether to extract the cells of the last stage too, as the stream ``grid/NAME``.

    Shapes: a frame -> appearance ``[D]``, grid ``[49, D]`` in row-major order; D is 2048, for ResNet-18 512.
    Reference: He et al., CVPR 2016.
    """

    network_name: ClassVar[str]
    width: ClassVar[int] = 2048
    published: ClassVar[Any]
    versions: Mapping[str, str] = {"torchvision": torchvision.__version__.partition("+")[0]}

    def __init__(self, weights: str = "default", grid: bool = False) -> None:
        super().__init__(
            *load_network(partial(_headless, self.network_name), weights, self.published, optional=("fc.",))
        )
        self.network.to(memory_format=torch.channels_last)
        self.grid = f"grid/{self.network_name}" if grid else None
        self.streams = ("appearance", self.grid) if self.grid else ("appearance",)

    def preprocess(self, frames: Tensor) -> Tensor:
        """Centre crop of the frame, ``[3, 224, 224]`` uint8."""
        check_frames("frames", frames, k=1)
        return resize_and_crop(frames, 256, 224)[0]

    @torch.inference_mode()
    def extract(self, items: Sequence[Tensor]) -> list[ItemFeatures]:
        """Returns the vector and, on request, the cells of each frame."""
        with self.autocast():
            cells = self._cells(items)
        cells = cells.flatten(2).transpose(1, 2).float()  # [B, 49, D]
        pooled = cells.mean(1).cpu()
        if self.grid is None:
            return [{"appearance": vector} for vector in pooled]
        return [
            {"appearance": vector, self.grid: grid} for vector, grid in zip(pooled, cells.cpu(), strict=True)
        ]

    def maps_and_vectors(self, items: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Last convolutional maps and frame vectors in full precision, differentiable by the items.

        Shapes: each item ``[3, 224, 224]`` with values in 0..255 -> ``[B, D, 7, 7]``, ``[B, D]``.
        """
        cells = self._cells(items)
        return cells, cells.mean((2, 3))

    def area(self, height: Width, width: Width) -> tuple[float, float, float, float]:
        """Corners of the part of a frame that the network sees, in pixels."""
        return crop_area(height, width, 256, 224)

    def _cells(self, items: Sequence[Tensor]) -> Tensor:
        batch = normalize(items, self.device, IMAGENET_MEAN, IMAGENET_STD)
        cells: Tensor = self.network(batch.contiguous(memory_format=torch.channels_last))["cells"]
        return cells


@checked
class ResNet18(ResNetExtractor):
    """ResNet-18, small enough to try things out without a GPU."""

    network_name, published, width = "resnet18", models.ResNet18_Weights, 512


@checked
class ResNet50(ResNetExtractor):
    """ResNet-50."""

    network_name, published = "resnet50", models.ResNet50_Weights


@checked
class ResNet101(ResNetExtractor):
    """ResNet-101."""

    network_name, published = "resnet101", models.ResNet101_Weights


@checked
class ResNet152(ResNetExtractor):
    """ResNet-152."""

    network_name, published = "resnet152", models.ResNet152_Weights


def _headless(name: str) -> nn.Module:
    """The network up to its last stage, with the usual parameter names."""
    return create_feature_extractor(models.get_model(name, weights=None), {"layer4": "cells"})
