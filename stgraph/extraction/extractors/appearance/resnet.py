"""ResNets of torchvision as frame extractors: the pooled vector and, if wanted, the 7 x 7 cells it is the mean of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
import torchvision
from torch import Tensor, nn
from torchvision import models
from torchvision.models.feature_extraction import create_feature_extractor

from stgraph.extraction.extractors.pictures import IMAGENET_MEAN, IMAGENET_STD, scale, shrink_and_crop
from stgraph.extraction.extractors.protocol import ItemFeatures, NetworkExtractor
from stgraph.extraction.extractors.weights import load_network

__all__ = ["ResNet18", "ResNet50", "ResNet101", "ResNet152", "ResNetExtractor"]


class ResNetExtractor(NetworkExtractor):
    """A ResNet of torchvision without its classifier; its subclasses say which.

    Pictures are resized to a short side of 256 and cut to 224 x 224 in the middle; their vector is the average pool
    behind the last stage.

    Args:
        weights: As in :func:`~stgraph.extraction.extractors.weights.load_network`.
        grid: True also gives the cells of the last stage, as stream ``grid/NAME``.

    Shapes: a frame -> appearance ``[D]``, grid ``[49, D]``, its rows from left to right and top to bottom; D is 2048, of
        ResNet-18 512.
    Reference: He et al., CVPR 2016.
    """

    network_name: ClassVar[str]
    width: ClassVar[int] = 2048
    published: ClassVar[Any]
    versions: Mapping[str, str] = {"torchvision": torchvision.__version__.partition("+")[0]}

    def __init__(self, weights: str = "default", grid: bool = False) -> None:
        build: Callable[[], nn.Module] = lambda: _headless(self.network_name)
        super().__init__(*load_network(build, weights, self.published, optional=("fc.",)))
        self.network.to(memory_format=torch.channels_last)
        self.grid = f"grid/{self.network_name}" if grid else None
        self.streams = ("appearance", self.grid) if self.grid else ("appearance",)

    def preprocess(self, pictures: Tensor) -> Tensor:
        """The middle of the frame, ``[3, 224, 224]`` bytes."""
        return shrink_and_crop(pictures, 256, 224)[0]

    @torch.inference_mode()
    def extract(self, items: Sequence[Tensor]) -> list[ItemFeatures]:
        """Vector, and cells, of each frame."""
        batch = scale(items, self.device, IMAGENET_MEAN, IMAGENET_STD)
        with self.autocast():
            cells = self.network(batch.contiguous(memory_format=torch.channels_last))["cells"]
        cells = cells.flatten(2).transpose(1, 2).float()  # [B, 49, D]
        pooled = cells.mean(1).cpu()
        if self.grid is None:
            return [{"appearance": vector} for vector in pooled]
        return [
            {"appearance": vector, self.grid: grid} for vector, grid in zip(pooled, cells.cpu(), strict=True)
        ]


class ResNet18(ResNetExtractor):
    """ResNet-18, for trials without a GPU; see :class:`ResNetExtractor`."""

    network_name, published, width = "resnet18", models.ResNet18_Weights, 512


class ResNet50(ResNetExtractor):
    """ResNet-50; see :class:`ResNetExtractor`."""

    network_name, published = "resnet50", models.ResNet50_Weights


class ResNet101(ResNetExtractor):
    """ResNet-101; see :class:`ResNetExtractor`."""

    network_name, published = "resnet101", models.ResNet101_Weights


class ResNet152(ResNetExtractor):
    """ResNet-152; see :class:`ResNetExtractor`."""

    network_name, published = "resnet152", models.ResNet152_Weights


def _headless(name: str) -> nn.Module:
    """The network up to its last stage, its parts under their usual names."""
    return create_feature_extractor(models.get_model(name, weights=None), {"layer4": "cells"})
