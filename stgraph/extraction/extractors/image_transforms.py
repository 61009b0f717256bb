"""Image transforms of the extractors: resizing, centre crop and normalisation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "crop_area", "normalize", "resampled_crop", "resize_and_crop"]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

LARGEST_RESIZED = 1 << 22
"""Pixels of a resized frame; of a longer one, only the part that is cut out is computed."""


def resize_and_crop(frames: Tensor, short_side: int, crop: int) -> Tensor:
    """Resizes frames so that the shorter side is ``short_side``, then takes the centre crop of ``crop`` pixels.

    The aspect ratio is kept and the result stays uint8. Frames of more than about 64 : 1 are not resized as a whole but by
    :func:`resampled_crop`, as 20,000 x 1 pixels would become five million columns of which 224 are kept.

    Shapes: frames ``[k, H, W, 3]`` uint8 -> ``[k, 3, crop, crop]`` uint8.
    """
    images = frames.permute(0, 3, 1, 2)
    size = _resized(images.size(2), images.size(3), short_side)
    if math.prod(size) > LARGEST_RESIZED:
        return resampled_crop(images, size, crop)
    resized = transforms.resize(images, list(size), antialias=True)
    return transforms.center_crop(resized, [crop, crop]).contiguous()


def resampled_crop(images: Tensor, size: tuple[int, int], crop: int) -> Tensor:
    r"""The centre crop of resized images, without computing the rest of them; up to rounding as antialiased resizing does.

    Pixel j of a resized axis of length m is a weighted mean of the n original ones, with a triangle as wide as two pixels of
    the coarser of both.

    .. math:: w_{ji} \propto \max\left(0, 1 - \frac{|i + 1/2 - (j + 1/2) n / m|}{\max(1, n / m)}\right)

    Args:
        images: The images.
        size: Height and width of the resized images, both at least ``crop``.
        crop: Height and width of the part to compute.

    Shapes: images ``[k, 3, H, W]`` uint8 -> ``[k, 3, crop, crop]`` uint8.
    """
    (rows, down), (columns, across) = (
        _crop_weights(before, after, crop) for before, after in zip(images.shape[2:], size, strict=True)
    )
    part = images[..., rows, columns].float()
    return (down @ part @ across.T).round().clamp(0, 255).to(torch.uint8)


def _crop_weights(before: int, after: int, crop: int) -> tuple[slice, Tensor]:
    """The pixels of an axis that the centre crop depends on, and their weights.

    Shapes: weights ``[crop, pixels]``.
    """
    ratio, first = before / after, round((after - crop) / 2)
    reach = max(1.0, ratio)
    centre = (torch.arange(first, first + crop, dtype=torch.float64) + 0.5) * ratio
    begin, end = max(0, math.floor(centre[0] - reach)), min(before, math.ceil(centre[-1] + reach))
    distance = (torch.arange(begin, end, dtype=torch.float64) + 0.5 - centre[:, None]).abs()
    triangle = (1 - distance / reach).clamp(min=0)
    return slice(begin, end), (triangle / triangle.sum(1, keepdim=True)).float()


def crop_area(height: int, width: int, short_side: int, crop: int) -> tuple[float, float, float, float]:
    """Corners x1, y1, x2, y2 of the part of a frame that :func:`resize_and_crop` keeps, in pixels of the frame.

    >>> crop_area(256, 512, 256, 224)
    (144.0, 16.0, 368.0, 240.0)
    """
    high, wide = _resized(height, width, short_side)
    left, top = round((wide - crop) / 2), round((high - crop) / 2)  # as torchvision rounds them
    across, down = width / wide, height / high
    return left * across, top * down, (left + crop) * across, (top + crop) * down


def _resized(height: int, width: int, short_side: int) -> tuple[int, int]:
    long_side = max(height, width) * short_side // min(height, width)
    return (short_side, long_side) if height <= width else (long_side, short_side)


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
