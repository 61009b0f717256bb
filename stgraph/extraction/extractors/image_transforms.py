"""Image transforms of the extractors: resizing, centre crop and normalisation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "normalize", "resize_and_crop"]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def resize_and_crop(frames: Tensor, short_side: int, crop: int) -> Tensor:
    """Resizes frames so that the shorter side is ``short_side``, then takes the centre crop of ``crop`` pixels.

    The aspect ratio is kept and the result stays uint8.

    Shapes: frames ``[k, H, W, 3]`` uint8 -> ``[k, 3, crop, crop]`` uint8.
    """
    images = frames.permute(0, 3, 1, 2)
    height, width = images.shape[2:]
    long_side = max(height, width) * short_side // min(height, width)
    size = (short_side, long_side) if height <= width else (long_side, short_side)
    resized = transforms.resize(images, list(size), antialias=True)
    return transforms.center_crop(resized, [crop, crop]).contiguous()


def normalize(
    items: Sequence[Tensor], device: torch.device, mean: Sequence[float], std: Sequence[float]
) -> Tensor:
    """Stacks uint8 images or clips into a batch and normalises each channel: (value / 255 - mean) / std.

    Shapes: each item ``[3, ...]`` uint8, all of the same size -> ``[B, 3, ...]``.
    """
    batch = torch.stack(list(items)).to(device, non_blocking=True).float()
    shape = (1, 3) + (1,) * (batch.ndim - 2)
    shift = torch.tensor(mean, device=device).view(shape) * 255
    spread = torch.tensor(std, device=device).view(shape) * 255
    return (batch - shift) / spread
