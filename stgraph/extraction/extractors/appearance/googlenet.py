"""torchvision's GoogLeNet as a frame extractor; captioning papers call its features pool5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torchvision
from torch import Tensor, nn
from torchvision import models

from stgraph.checking import checked
from stgraph.extraction.extractors.image_transforms import (
    check_frames,
    crop_area,
    normalize,
    resize_and_crop,
)
from stgraph.extraction.extractors.protocol import ItemFeatures, NetworkExtractor
from stgraph.extraction.extractors.weights import load_network
from stgraph.typing import Width

__all__ = ["GoogLeNetPool5"]

# The published weights were trained on colours from -1 to 1. torchvision's model takes images normalised as for its other
# networks and converts them to that range (``transform_input``); here images are normalised to that range directly.
MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


@checked
class GoogLeNetPool5(NetworkExtractor):
    """GoogLeNet without its three classifiers.

    Frames are resized to a short side of 256 and centre-cropped to 224 x 224; the feature vector is the average pool
    after the last inception block.

    Args:
        weights: See :func:`~stgraph.extraction.extractors.load_network`. Weights in a file must expect colours
            from -1 to 1, like torchvision's.

    Shapes: a frame -> appearance ``[1024]``.
    Reference: Szegedy et al., CVPR 2015.
    """

    streams = ("appearance",)
    versions: Mapping[str, str] = {"torchvision": torchvision.__version__.partition("+")[0]}

    def __init__(self, weights: str = "default") -> None:
        classifiers = ("fc.", "aux1.", "aux2.")
        super().__init__(*load_network(_headless, weights, models.GoogLeNet_Weights, optional=classifiers))
        self.network.to(memory_format=torch.channels_last)

    def preprocess(self, frames: Tensor) -> Tensor:
        """Centre crop of the frame, ``[3, 224, 224]`` uint8."""
        check_frames("frames", frames, k=1)
        return resize_and_crop(frames, 256, 224)[0]

    @torch.inference_mode()
    def extract(self, items: Sequence[Tensor]) -> list[ItemFeatures]:
        """Returns the vector of each frame."""
        with self.autocast():
            pooled = self.network(self._batch(items))
        return [{"appearance": vector} for vector in pooled.float().cpu()]

    def maps_and_vectors(self, items: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Maps of the last inception block and frame vectors in full precision, differentiable by the items.

        Shapes: each item ``[3, 224, 224]`` with values in 0..255 -> ``[B, 1024, 7, 7]``, ``[B, 1024]``.
        """
        maps: list[Tensor] = []
        block = self.network.get_submodule("inception5b")
        handle = block.register_forward_hook(lambda module, inputs, output: maps.append(output))
        try:
            pooled: Tensor = self.network(self._batch(items))
        finally:
            handle.remove()
        return maps[0], pooled

    def area(self, height: Width, width: Width) -> tuple[float, float, float, float]:
        """Corners of the part of a frame that the network sees, in pixels."""
        return crop_area(height, width, 256, 224)

    def _batch(self, items: Sequence[Tensor]) -> Tensor:
        return normalize(items, self.device, MEAN, STD).contiguous(memory_format=torch.channels_last)


def _headless() -> nn.Module:
    """The network up to its average pool, with the usual parameter names."""
    network = models.GoogLeNet(aux_logits=False, init_weights=False)
    network.fc = nn.Identity()
    # Only random weights keep this initialisation; with torchvision's, activations shrink to 1e-6 of their size.
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight)
    return network
