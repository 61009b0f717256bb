"""torchvision's S3D: one vector per clip."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models.video import S3D_Weights, s3d

from stgraph.checking import checked
from stgraph.extraction.extractors.motion.clip import ClipExtractor, initialize, stretch_and_crop
from stgraph.extraction.extractors.weights import load_network

__all__ = ["S3D"]


@checked
class S3D(ClipExtractor):
    """S3D without its classifier; the only motion network here whose weights a maintained library publishes.

    Frames are resized to 256 x 256 regardless of their aspect ratio and centre-cropped to 224 x 224, as published with
    the weights.

    Args:
        weights: See :func:`~stgraph.extraction.extractors.load_network`.

    Shapes: a clip -> motion ``[1024]``, the mean over the 2 x 7 x 7 cells of the last layer.
    Reference: Xie et al., ECCV 2018; ``torchvision.models.video.S3D_Weights``.
    """

    mean, std = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)

    def __init__(self, weights: str = "default") -> None:
        super().__init__(*load_network(_headless, weights, S3D_Weights, optional=("classifier.",)))

    def reduce_frame(self, frame: Tensor) -> Tensor:
        """Centre crop of the frame, ``[3, 224, 224]`` uint8."""
        return stretch_and_crop(frame, (256, 256), 224)


def _headless() -> nn.Module:
    network = s3d()
    network.avgpool = network.classifier = nn.Identity()  # the rest ends with the mean over all cells
    return initialize(network)
