"""Masks as files store them: COCO run lengths and polygons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco

from stgraph.errors import DataError

__all__ = ["decode_mask", "encode_mask"]

MOST_PIXELS = 1e5  # largest coordinate of a polygon; pycocotools walks along its edges pixel by pixel


def decode_mask(segmentation: Any, size: tuple[int, int], where: str) -> np.ndarray:
    """Decodes a COCO segmentation.

    Args:
        segmentation: Run lengths ``{"size": [H, W], "counts": ...}``, compressed (a string) or not (a list), or polygons
            ``[[x1, y1, x2, y2, ...], ...]`` in pixels, whose union is the mask.
        size: Height and width of the image in pixels.
        where: Location in the file for error messages.

    Returns:
        The mask, bool ``[H, W]``.

    Raises:
        DataError: If it is neither, or of an image of another size.
    """
    try:
        if isinstance(segmentation, Mapping):
            return _from_runs(segmentation, size)
        return _from_polygons(segmentation, size)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise DataError(f"{where}: 'segmentation' cannot be decoded ({error}); fix or drop it.") from error


def encode_mask(mask: np.ndarray) -> dict[str, Any]:
    """Compressed run lengths of a mask, with counts as text, so that they can be written as JSON.

    Args:
        mask: The mask, bool ``[H, W]``.
    """
    code = coco.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": [int(side) for side in code["size"]], "counts": code["counts"].decode("ascii")}


def _from_runs(segmentation: Mapping[str, Any], size: tuple[int, int]) -> np.ndarray:
    """Run lengths go down the columns and alternate between outside and inside.

    pycocotools does not check that they fill the image, and returns uninitialized memory where they do not.
    """
    found, counts = tuple(segmentation["size"]), segmentation["counts"]
    if found != tuple(size):
        raise ValueError(f"it is of an image of (height, width) {found}, but 'size' is {tuple(size)}")
    runs = np.asarray(_uncompressed(counts) if isinstance(counts, str | bytes) else counts, dtype=np.int64)
    height, width = size
    if runs.ndim != 1 or (runs < 0).any() or (runs > height * width).any() or runs.sum() != height * width:
        raise ValueError(f"its run lengths must be positive and add up to {height * width} pixels")
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(width, height).T


def _uncompressed(text: str | bytes) -> list[int]:
    """Run lengths from COCO's text: groups of 5 bits, the lowest first, as differences to the run before the last."""
    runs: list[int] = []
    value = shift = 0
    for code in text.encode("ascii") if isinstance(text, str) else text:
        bits = code - 48
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:  # the number continues
            continue
        if bits & 0x10:  # negative
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs


def _from_polygons(polygons: Any, size: tuple[int, int]) -> np.ndarray:
    if not isinstance(polygons, Sequence) or isinstance(polygons, str) or not polygons:
        raise ValueError("it must be run lengths or polygons")
    points = [[float(value) for value in polygon] for polygon in polygons]
    if any(len(polygon) < 6 or len(polygon) % 2 for polygon in points):
        raise ValueError("a polygon must have at least three points, as x and y in turn")
    if not all(abs(value) <= MOST_PIXELS for polygon in points for value in polygon):
        raise ValueError("the corners of a polygon must be pixels of the image")
    return np.array(coco.decode(coco.merge(coco.frPyObjects(points, *size)))) > 0
