"""GoogLeNet of torchvision as a frame extractor: what captioning papers call pool5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torchvision
from torch import Tensor, nn
from torchvision import models

from stgraph.extraction.extractors.pictures import scale, shrink_and_crop
from stgraph.extraction.extractors.protocol import ItemFeatures, NetworkExtractor
from stgraph.extraction.extractors.weights import load_network

__all__ = ["GoogLeNetPool5"]

# The published weights come from a network that saw colours from -1 to 1. torchvision's own model takes pictures scaled as
# for its other networks and turns them into that range first (``transform_input``); here they are scaled so at once.
MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


class GoogLeNetPool5(NetworkExtractor):
    """GoogLeNet without its three classifiers.

    Pictures are resized to a short side of 256 and cut to 224 x 224 in the middle; their vector is the average pool
    behind the last inception block.

    Args:
        weights: As in :func:`~stgraph.extraction.extractors.weights.load_network`. A file holds weights for colours from -1
            to 1, as torchvision's own.

    Shapes: a frame -> appearance ``[1024]``.
    Reference: Szegedy et al., CVPR 2015.
    """

    streams = ("appearance",)
    versions: Mapping[str, str] = {"torchvision": torchvision.__version__.partition("+")[0]}

    def __init__(self, weights: str = "default") -> None:
        classifiers = ("fc.", "aux1.", "aux2.")
        super().__init__(*load_network(_headless, weights, models.GoogLeNet_Weights, optional=classifiers))
        self.network.to(memory_format=torch.channels_last)

    def preprocess(self, pictures: Tensor) -> Tensor:
        """The middle of the frame, ``[3, 224, 224]`` bytes."""
        return shrink_and_crop(pictures, 256, 224)[0]

    @torch.inference_mode()
    def extract(self, items: Sequence[Tensor]) -> list[ItemFeatures]:
        """Vector of each frame."""
        batch = scale(items, self.device, MEAN, STD).contiguous(memory_format=torch.channels_last)
        with self.autocast():
            pooled = self.network(batch)
        return [{"appearance": vector} for vector in pooled.float().cpu()]


def _headless() -> nn.Module:
    """The network up to its average pool, its parts under their usual names."""
    network = models.GoogLeNet(aux_logits=False, init_weights=False)
    network.fc = nn.Identity()
    # Only random weights keep these; as torchvision draws them, the signal fades to 1e-6 of itself on the way.
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight)
    return network
