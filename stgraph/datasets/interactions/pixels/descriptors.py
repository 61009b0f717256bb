"""Appearance features of frames and boxes from pixels: colours, their positions, and the directions of outlines.

They use the same colour table as the blob detector, but work with any boxes. Constant factors give most values a standard
deviation of about 1, and a mean near 0 where it is known: networks learn faster from these than from fractions in 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stgraph.checking import checked
from stgraph.datasets.interactions.pixels.colour import (
    FINE_HUES,
    HUE_NAMES,
    NO_HUE,
    ColourMap,
    chroma_of,
    fine_hue_of,
    luminance_of,
)
from stgraph.features.detections import Detections
from stgraph.typing import check_shape

__all__ = ["BoxPatches", "box_appearance", "box_geometry", "box_patches", "frame_appearance", "frame_cells"]

Array = NDArray[np.floating]

_HUES = len(HUE_NAMES)
_GRID = 4  # cells per side of a frame
_ANGLES = 8  # directions of a full turn
_SPECK = 20  # outline of a speck in pixels: shorter outlines get small weights
_PATCH = 20  # samples per side of a box
_CELLS = 5  # cells per side of a box


@checked
def frame_appearance(colours: ColourMap) -> Array:
    """Appearance of each frame: position, area and outline directions per hue, and the luminance of cells.

    Shapes: T frames -> ``[T, 172]``: 6 hues x 16 cells (square root of the fraction), 6 x 8 directions (fraction of the
        outline), 6 square roots of the area, 6 outline lengths over the square root of the area, 16 luminances.
    Reference: our own design, after histograms of oriented gradients (Dalal and Triggs, 2005).
    """
    num_frames, (height, width) = len(colours.hue), colours.size
    pixel = np.flatnonzero(colours.hue != NO_HUE)
    hue = colours.hue.ravel()[pixel]
    frame, inside = np.divmod(pixel, height * width)
    y, x = np.divmod(inside, width)
    row = frame * _HUES + hue
    cell = (y * _GRID // height) * _GRID + x * _GRID // width

    padded = np.pad(colours.hue, ((0, 0), (1, 1), (1, 1)), constant_values=NO_HUE)
    same = {
        (dy, dx): (padded[frame, y + 1 + dy, x + 1 + dx] == hue).astype(np.float32)
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
        if dy or dx
    }
    right = same[-1, 1] + 2 * same[0, 1] + same[1, 1] - same[-1, -1] - 2 * same[0, -1] - same[1, -1]
    down = same[1, -1] + 2 * same[1, 0] + same[1, 1] - same[-1, -1] - 2 * same[-1, 0] - same[-1, 1]
    slope = np.hypot(right, down) / 4

    rows = num_frames * _HUES
    where = _count(row * _GRID**2 + cell, None, rows, _GRID**2)
    turn = _count(row * _ANGLES + _direction(right, down), slope, rows, _ANGLES)
    area, outline = where.sum(1), turn.sum(1)
    grey = luminance_of(colours.code[:, ::4, ::4])
    parts = (
        8 * np.sqrt(where * (_GRID**2 / (height * width))),
        16 * turn / (outline[:, None] + _SPECK),
        16 * np.sqrt(area / (height * width)),
        4 * outline / (8 * np.sqrt(area) + _SPECK),
        8 * (_cell_means(grey, _GRID) / 255 - 0.4),
    )
    return np.concatenate([part.reshape(num_frames, -1) for part in parts], axis=1).astype(np.float32)


@checked
def frame_cells(appearance: Tensor) -> Tensor:
    """The values of :func:`frame_appearance` that belong to a place: six hues and the luminance of 4 x 4 cells.

    The other 60 values are of the whole frame.

    Shapes: ``[T, 172]`` -> ``[T, 7, 4, 4]``.

    >>> frame_cells(torch.arange(172.0)[None])[0, :, 0, 0].tolist()
    [0.0, 16.0, 32.0, 48.0, 64.0, 80.0, 156.0]
    """
    check_shape("appearance", appearance, "T F", F=172)
    hues = appearance[:, : _HUES * _GRID**2].unflatten(1, (_HUES, _GRID, _GRID))
    luminance = appearance[:, -(_GRID**2) :].unflatten(1, (1, _GRID, _GRID))
    return torch.cat([hues, luminance], 1)


@checked
@dataclass(frozen=True, eq=False)
class BoxPatches:
    """Samples from a square around each box, the same number for all boxes.

    Args:
        mask: Which samples have the main hue of the box, its most frequent one.
        code: Row of the colour table of each sample.
        hue: Main hue of each box, or ``NO_HUE`` if no pixel in it has a hue.

    Shapes: mask bool, code ``[N, S, S]``, hue ``[N]``.
    """

    mask: NDArray[np.bool_]
    code: NDArray[np.uint16]
    hue: NDArray[np.uint8]


@checked
def box_patches(colours: ColourMap, detections: Detections) -> BoxPatches:
    """Samples each box of ``detections``, whose T frames are those of ``colours``."""
    boxes, frame = detections.boxes.numpy(), detections.frame.numpy()
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    side = (boxes[:, 2:] - boxes[:, :2]).max(1, initial=0.0) * 1.1
    code, hue = (sample(stream, frame, centre, side, _PATCH) for stream in (colours.code, colours.hue))
    flat = hue.reshape(-1, _PATCH * _PATCH)
    votes = (flat[:, :, None] == np.arange(_HUES, dtype=np.uint8)).sum(1)
    main = np.where(votes.max(1, initial=0) > 0, votes.argmax(1), NO_HUE).astype(np.uint8)
    return BoxPatches((hue == main[:, None, None]) & (hue != NO_HUE), code, main)


def sample(stream: NDArray, frame: NDArray[np.int64], centre: NDArray, side: NDArray, count: int) -> NDArray:
    """Nearest-neighbour samples on a ``count`` x ``count`` grid over squares; the frame is padded by its edge pixels.

    Shapes: stream ``[T, H, W]``, frame ``[N]``, centre ``[N, 2]`` (x, y), side ``[N]`` ->
        ``[N, count, count]``.
    """
    height, width = stream.shape[1:]
    steps = side[:, None] * ((np.arange(count, dtype=np.float32) + 0.5) / count - 0.5)
    x = np.clip(centre[:, :1] + steps, 0, width - 1).astype(np.int64)
    y = np.clip(centre[:, 1:] + steps, 0, height - 1).astype(np.int64)
    return stream[frame[:, None, None], y[:, :, None], x[:, None, :]]


@checked
def box_appearance(patches: BoxPatches, detections: Detections) -> Array:
    """Appearance of each box: hues, mask and outline of its main hue, chroma and luminance.

    Shapes: returns ``[N, 61]``: 24 hues (square root of the fraction), 25 cells of the mask, 8 directions, chroma,
        luminance, fraction of the box that the mask fills, log of width over height.
    """
    mask, num_boxes = patches.mask.astype(np.float32), len(patches.mask)
    box, y, x = np.nonzero(patches.mask)
    area = np.maximum(mask.sum((1, 2)), 1)
    code = patches.code[box, y, x]
    hues = _count(box * FINE_HUES + fine_hue_of(code), None, num_boxes, FINE_HUES) / area[:, None]
    padded = np.pad(mask, ((0, 0), (1, 1), (1, 1)))
    right, down = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2], padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    slope = np.hypot(right, down)
    number = np.arange(num_boxes)[:, None, None] * _ANGLES + _direction(right, down)
    turn = _count(number.ravel(), slope.ravel(), num_boxes, _ANGLES)
    extent = detections.boxes.numpy()[:, 2:] - detections.boxes.numpy()[:, :2]
    square = (extent.max(1, initial=1.0) * 1.1) ** 2 / _PATCH**2  # frame pixels per sample
    parts = (
        4 * np.sqrt(hues),
        4 * (_cell_means(mask, _CELLS) - 0.5),
        16 * (turn / np.maximum(turn.sum(1, keepdims=True), 1) - 1 / _ANGLES),
        6 * (_count(box, chroma_of(code), num_boxes, 1) / area[:, None] / 255 - 0.4),
        6 * (_count(box, luminance_of(code), num_boxes, 1) / area[:, None] / 255 - 0.4),
        6 * (np.clip(mask.sum((1, 2)) * square / extent.prod(1), 0, 1)[:, None] - 0.6),
        6 * np.clip(np.log(extent[:, :1] / extent[:, 1:]), -1, 1),
    )
    return np.concatenate(parts, axis=1).astype(np.float32)


@checked
def box_geometry(detections: Detections) -> Array:
    """Geometry of each box, and its centre and size as soft bins.

    A soft bin is a Gaussian bump around a value c: :math:`2.5 e^{-(8 (v - c))^2 / 2}`. Networks that sum the features of
    several boxes can still separate them, unlike raw coordinates.

    Shapes: returns ``[N, 29]``: centre x, y, width, height and area as fractions of the frame; 8 bins each for x and y; 4
        each for width and height (0..0.3).
    """
    geometry = detections.geometry().numpy()
    place, size = np.linspace(0.06, 0.94, 8), np.linspace(0.075, 0.225, 4)
    bins = [2.5 * _bumps(geometry[:, k], place, 8.0) for k in (0, 1)]
    bins += [3 * _bumps(geometry[:, k], size, 20.0) for k in (2, 3)]
    return np.concatenate([geometry, *bins], axis=1).astype(np.float32)


def _bumps(value: NDArray, centres: NDArray, rate: float) -> NDArray:
    return np.exp(-((rate * (value[:, None] - centres)) ** 2) / 2)


def _direction(right: NDArray, down: NDArray) -> NDArray[np.int64]:
    """Quantises a gradient to eight directions; direction 0 is centred at "right"."""
    return np.round(np.arctan2(down, right) * (_ANGLES / (2 * np.pi))).astype(np.int64) % _ANGLES


def _count(number: NDArray, weight: NDArray | None, rows: int, columns: int) -> NDArray:
    return np.bincount(number, weight, minlength=rows * columns).reshape(rows, columns)


def _cell_means(pictures: NDArray, cells: int) -> NDArray:
    """Means over ``cells`` x ``cells`` cells, ``[N, H, W]`` -> ``[N, cells * cells]``; leftover pixels are dropped."""
    count, height, width = pictures.shape
    high, wide = height // cells, width // cells
    cut = pictures[:, : cells * high, : cells * wide].reshape(count, cells, high, cells, wide)
    return cut.mean((2, 4)).reshape(count, cells * cells)
