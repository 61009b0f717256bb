"""Pictures as networks want them: shrunk, cut and scaled."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as pictures_of

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "scale", "shrink_and_crop"]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def shrink_and_crop(pictures: Tensor, short_side: int, crop: int) -> Tensor:
    """Resizes so that the shorter side is ``short_side`` and keeps the square of ``crop`` in the middle; still bytes.

    The part of the picture that is kept is cut out first, so that a long side is not resized to be thrown away.

    Shapes: pictures ``[k, H, W, 3]`` uint8 -> ``[k, 3, crop, crop]`` uint8.
    """
    planes = pictures.permute(0, 3, 1, 2)
    height, width = planes.shape[2:]
    long_side = max(height, width) * short_side // min(height, width)
    size = (short_side, long_side) if height <= width else (long_side, short_side)
    resized = pictures_of.resize(planes, list(size), antialias=True)
    return pictures_of.center_crop(resized, [crop, crop]).contiguous()


def scale(
    items: Sequence[Tensor], device: torch.device, mean: Sequence[float], std: Sequence[float]
) -> Tensor:
    """A batch of bytes as numbers: value / 255, minus the mean, over the deviation of each colour.

    Shapes: each item ``[3, ...]`` uint8, of equal sizes -> ``[B, 3, ...]``.
    """
    batch = torch.stack(list(items)).to(device, non_blocking=True).float()
    shape = (1, 3) + (1,) * (batch.ndim - 2)
    shift = torch.tensor(mean, device=device).view(shape) * 255
    spread = torch.tensor(std, device=device).view(shape) * 255
    return (batch - shift) / spread
