"""RoI features of boxes that another detector found: a ResNet looks at the frame, its last stage is pooled in each box."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as pictures_of

from stgraph.errors import OptionError
from stgraph.extraction.extractors.appearance.resnet import ResNet18, ResNet50, ResNet101, ResNet152
from stgraph.extraction.extractors.objects.box_postprocessing import groups
from stgraph.extraction.extractors.objects.roi_features import roi_features
from stgraph.extraction.extractors.pictures import IMAGENET_MEAN, IMAGENET_STD, scale

__all__ = ["BACKBONES", "RoIBackbone"]

BACKBONES = {"resnet18": ResNet18, "resnet50": ResNet50, "resnet101": ResNet101, "resnet152": ResNet152}
TOGETHER = 16  # pictures of 448 x 896 that the network takes at once


class RoIBackbone:
    """Gives boxes the RoI features of a ResNet's last stage.

    Args:
        name: "resnet18", "resnet50", "resnet101" or "resnet152".
        weights: As in :func:`~stgraph.extraction.extractors.weights.load_network`.
        side: Short side in pixels of the picture that the network sees; the long one is at most twice that.

    Raises: OptionError: A value that is not one of those allowed.
    Reference: house design.
    """

    def __init__(self, name: str, weights: str, side: int) -> None:
        if name not in BACKBONES:
            raise OptionError(f"'features' must be {', '.join(BACKBONES)} or null, got {name!r}.")
        if side < 32:
            raise OptionError(f"'side' must be at least 32 pixels, got {side}.")
        self.resnet = BACKBONES[name](weights)
        self.side = side

    def resize(self, frame: Tensor) -> Tensor:
        """The picture that the network sees.

        Shapes: frame ``[H, W, 3]`` uint8 -> ``[3, h, w]`` uint8.
        """
        height, width = frame.shape[:2]
        factor = min(self.side / min(height, width), 2 * self.side / max(height, width))
        size = [max(1, round(height * factor)), max(1, round(width * factor))]
        return pictures_of.resize(frame.permute(2, 0, 1), size, antialias=True)

    @torch.inference_mode()
    def extract(
        self, pictures: Sequence[Tensor], boxes: Sequence[Tensor], sizes: Sequence[tuple[int, int]]
    ) -> list[Tensor]:
        """Features of each picture's boxes.

        Args:
            pictures: What :meth:`resize` made of the frames.
            boxes: In pixels of the frames.
            sizes: Height and width of each frame.

        Shapes: boxes of a picture ``[n, 4]`` -> ``[n, D]``, D 2048, of ResNet-18 512.
        """
        features = [torch.zeros(0, self.resnet.width)] * len(pictures)
        seen = [i for i, each in enumerate(boxes) if len(each)]  # nobody asks for the rest
        for group in groups([pictures[i].shape for i in seen], TOGETHER):
            positions = [seen[i] for i in group]
            batch = scale([pictures[i] for i in positions], self.resnet.device, IMAGENET_MEAN, IMAGENET_STD)
            with self.resnet.autocast():
                cells = self.resnet.network(batch.contiguous(memory_format=torch.channels_last))["cells"]
            for row, i in enumerate(positions):
                (height, width), (h, w) = sizes[i], pictures[i].shape[1:]
                shrink = torch.tensor([w / width, h / height] * 2)
                there = (boxes[i] * shrink).to(cells.device)
                features[i] = roi_features(cells[row : row + 1], there).cpu()
        return features
