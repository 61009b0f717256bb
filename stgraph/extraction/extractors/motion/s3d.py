"""S3D of torchvision: one vector a clip."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models.video import S3D_Weights, s3d

from stgraph.extraction.extractors.motion.clip import ClipExtractor, initialize, squash_and_crop
from stgraph.extraction.extractors.weights import load_network

__all__ = ["S3D"]


class S3D(ClipExtractor):
    """S3D without its classifier; of the motion networks here, the one whose weights are in a well-kept library.

    Frames are resized to 256 x 256, whatever their shape, and cut to 224 x 224 in the middle, as published with the weights.

    Args:
        weights: As in :func:`~stgraph.extraction.extractors.weights.load_network`.

    Shapes: a clip -> motion ``[1024]``, the mean over the 2 x 7 x 7 cells of the last layer.
    Reference: Xie et al., ECCV 2018; ``torchvision.models.video.S3D_Weights``.
    """

    mean, std = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)

    def __init__(self, weights: str = "default") -> None:
        super().__init__(*load_network(_headless, weights, S3D_Weights, optional=("classifier.",)))

    def preprocess(self, pictures: Tensor) -> Tensor:
        """The middle of the clip, ``[3, 16, 224, 224]`` bytes."""
        return squash_and_crop(pictures, (256, 256), 224)


def _headless() -> nn.Module:
    network = s3d()
    network.avgpool = network.classifier = nn.Identity()  # what remains ends in the mean over all cells
    return initialize(network)
