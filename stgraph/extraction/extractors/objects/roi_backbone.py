"""RoI features for the boxes of any detector: the last stage of a ResNet, pooled inside each box."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from stgraph.errors import OptionError
from stgraph.extraction.extractors.appearance.resnet import ResNet18, ResNet50, ResNet101, ResNet152
from stgraph.extraction.extractors.image_transforms import IMAGENET_MEAN, IMAGENET_STD, normalize
from stgraph.extraction.extractors.objects.box_postprocessing import groups
from stgraph.extraction.extractors.objects.roi_features import roi_features

__all__ = ["BACKBONES", "RoIBackbone"]

BACKBONES = {"resnet18": ResNet18, "resnet50": ResNet50, "resnet101": ResNet101, "resnet152": ResNet152}
BATCH_SIZE = 16  # images of up to 448 x 896 per call of the network


class RoIBackbone:
    """Computes RoI features of given boxes from a ResNet's last stage.

    Args:
        name: "resnet18", "resnet50", "resnet101" or "resnet152".
        weights: See :func:`~stgraph.extraction.extractors.load_network`.
        side: Short side in pixels of the resized frame; the long side is at most twice that.

    Raises:
        OptionError: If ``name`` is unknown or ``side`` is below 32.
        MissingDataError: If the file of the weights doesn't exist or the download fails.
        DataError: If the weights don't fit the network.

    Reference: our own design.
    """

    def __init__(self, name: str, weights: str, side: int) -> None:
        if name not in BACKBONES:
            raise OptionError(f"'features' must be {', '.join(BACKBONES)} or null, got {name!r}.")
        if side < 32:
            raise OptionError(f"'side' must be at least 32 pixels, got {side}.")
        self.resnet = BACKBONES[name](weights)
        self.side = side

    def resize(self, frame: Tensor) -> Tensor:
        """Resizes a frame for the network.

        Shapes: frame ``[H, W, 3]`` uint8 -> ``[3, h, w]`` uint8.
        """
        height, width = frame.shape[:2]
        factor = min(self.side / min(height, width), 2 * self.side / max(height, width))
        size = [max(1, round(height * factor)), max(1, round(width * factor))]
        return transforms.resize(frame.permute(2, 0, 1), size, antialias=True)

    @torch.inference_mode()
    def extract(
        self, images: Sequence[Tensor], boxes: Sequence[Tensor], sizes: Sequence[tuple[int, int]]
    ) -> list[Tensor]:
        """Computes the features of each image's boxes.

        Args:
            images: Frames resized by :meth:`resize`.
            boxes: Boxes of each image in pixels of the original frame.
            sizes: Height and width of each original frame.

        Shapes: boxes of an image ``[n, 4]`` -> ``[n, D]``; D is 2048, for ResNet-18 512.
        """
        features = [torch.zeros(0, self.resnet.width)] * len(images)
        seen = [i for i, each in enumerate(boxes) if len(each)]  # images without boxes are skipped
        for group in groups([images[i].shape for i in seen], BATCH_SIZE):
            positions = [seen[i] for i in group]
            batch = normalize([images[i] for i in positions], self.resnet.device, IMAGENET_MEAN, IMAGENET_STD)
            with self.resnet.autocast():
                cells = self.resnet.network(batch.contiguous(memory_format=torch.channels_last))["cells"]
            for row, i in enumerate(positions):
                (height, width), (h, w) = sizes[i], images[i].shape[1:]
                shrink = torch.tensor([w / width, h / height] * 2)
                there = (boxes[i] * shrink).to(cells.device)
                features[i] = roi_features(cells[row : row + 1], there).cpu()
        return features
