"""Image transforms of the extractors: resizing, centre crop and normalisation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from stgraph.checking import described
from stgraph.errors import OptionError, ShapeError
from stgraph.typing import check_shape

__all__ = [
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "check_frames",
    "crop_area",
    "normalize",
    "resampled_crop",
    "resize_and_crop",
    "stacked",
]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

LARGEST_RESIZED = 1 << 22
"""Pixels of a resized frame; of a longer one, only the part that is cut out is computed."""


def check_frames(name: str, frames: Tensor, axes: str = "k H W 3", **sizes: int) -> None:
    """Checks that frames are RGB pictures of bytes.

    Args:
        name: Name of the argument, for the message.
        frames: The frames.
        axes: Their axes.
        sizes: Known sizes of axes.

    Raises:
        ShapeError: If they have other axes, or no pixel.
        OptionError: If they are no uint8 tensor with values.
    """
    if not isinstance(frames, Tensor) or frames.dtype is not torch.uint8 or frames.is_meta:
        raise OptionError(f"'{name}' must be a uint8 tensor of RGB values, got {described(frames)}.")
    check_shape(name, frames, axes, **sizes)
    if not frames.numel():
        raise ShapeError(f"'{name}' must have at least one pixel, got {list(frames.shape)}.")


def stacked(name: str, items: Sequence[Tensor], axes: str, dim: int = 0) -> Tensor:
    """Stacks tensors of one shape, type and device.

    Args:
        name: Name of the argument, for the message.
        items: The tensors, at least one.
        axes: Axes of each.
        dim: The new axis.

    Raises:
        ShapeError: If there are none, or one has other axes than ``axes`` or other sizes than the first.
        OptionError: If one is no tensor with values, or of another type than the first.
    """
    items = list(items)
    if not items:
        raise ShapeError(f"'{name}' must hold at least one tensor [{', '.join(axes.split())}], got none.")
    for number, item in enumerate(items):
        if not isinstance(item, Tensor) or item.is_meta or item.is_complex() or item.dtype != items[0].dtype:
            raise OptionError(
                f"'{name}[{number}]' must be a real tensor, of one type with the others, got {described(item)}."
            )
        check_shape(f"{name}[{number}]", item, axes)
        if item.shape != items[0].shape or not item.numel():
            raise ShapeError(
                f"'{name}' must hold tensors of one shape with at least one value, got {list(items[0].shape)} and "
                f"{list(item.shape)}."
            )
    return torch.stack(items, dim)


def resize_and_crop(frames: Tensor, short_side: int, crop: int) -> Tensor:
    """Resizes frames so that the shorter side is ``short_side``, then takes the centre crop of ``crop`` pixels.

    The aspect ratio is kept and the result stays uint8. Frames of more than about 64 : 1 are not resized as a whole but by
    :func:`resampled_crop`, as 20,000 x 1 pixels would become five million columns of which 224 are kept.

    Shapes: frames ``[k, H, W, 3]`` uint8 -> ``[k, 3, crop, crop]`` uint8.

    Raises:
        ShapeError: If ``frames`` has other axes or no pixels.
        OptionError: If ``frames`` is no uint8 tensor.
    """
    check_frames("frames", frames)
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
    items: Sequence[Tensor],
    device: torch.device,
    mean: Sequence[float],
    std: Sequence[float],
    axes: str = "3 h w",
) -> Tensor:
    """Stacks uint8 images or clips into a batch and normalises each channel: (value / 255 - mean) / std.

    Shapes: each item ``[3, ...]`` uint8, all of the same size and with the given axes -> ``[B, 3, ...]``.

    Raises:
        ShapeError: If there are no items, or they have other axes or different sizes.
        OptionError: If an item is no tensor with values.
    """
    batch = stacked("items", items, axes).to(device, non_blocking=True).float()
    shape = (1, 3) + (1,) * (batch.ndim - 2)
    shift = torch.tensor(mean, device=device).view(shape) * 255
    spread = torch.tensor(std, device=device).view(shape) * 255
    return (batch - shift) / spread
