"""Colour lookup table: assigns one of six hues to each sufficiently colourful pixel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from stgraph.checking import checked
from stgraph.errors import DataError, ShapeError

__all__ = ["HUE_NAMES", "NO_HUE", "ColourMap", "colour_map"]

HUE_NAMES = ("red", "yellow", "green", "cyan", "blue", "purple")  # centred at 0, 60, ..., 300 degrees
NO_HUE = 255
FINE_HUES = 24
_BITS = 5  # a table of 32,768 colours fits into the processor cache; its step, 8 of 256, is similar to camera noise


@checked
@dataclass(frozen=True, eq=False)
class ColourMap:
    """Quantised colours and hues of frames.

    Args:
        code: Row of each pixel in the colour table.
        hue: Index of each pixel's hue in :data:`HUE_NAMES`, or :data:`NO_HUE` if its chroma is below the threshold.

    Shapes: code, hue ``[T, H, W]``.
    """

    code: NDArray[np.uint16]
    hue: NDArray[np.uint8]

    def select(self, frames: NDArray[np.int64]) -> ColourMap:
        """Returns the frames at the given positions."""
        return ColourMap(self.code[frames], self.hue[frames])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.hue.shape[1], self.hue.shape[2]


@checked
def colour_map(frames: NDArray[np.uint8], min_chroma: int = 56) -> ColourMap:
    """Looks up the hue of each pixel.

    Chroma is max(r, g, b) - min(r, g, b); pixels below ``min_chroma`` (of 255) have no hue.

    Args:
        frames: RGB frames.
        min_chroma: Smallest chroma of a pixel with a hue.

    Shapes: frames ``[T, H, W, 3]``.

    Raises:
        ShapeError: If ``frames`` has other axes.
        DataError: If ``frames`` is not uint8.

    Reference: our own design.

    >>> colour_map(np.full((1, 1, 2, 3), [250, 20, 20], dtype=np.uint8)).hue.tolist()
    [[[0, 0]]]
    """
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[3] != 3:
        raise ShapeError(f"'frames' must be [T, H, W, 3], got {list(frames.shape)}")
    if frames.dtype != np.uint8:
        raise DataError(
            f"'frames' must be uint8 RGB in 0..255, got {frames.dtype}; scale and convert them first."
        )
    code = np.empty(frames.shape[:3], dtype=np.uint16)
    hue = np.empty(frames.shape[:3], dtype=np.uint8)
    table = _hue_table(min_chroma)
    for t, frame in enumerate(frames):  # single frames stay in the processor cache
        coarse = (frame >> (8 - _BITS)).astype(np.uint16)
        code[t] = (coarse[..., 0] << 2 * _BITS) | (coarse[..., 1] << _BITS) | coarse[..., 2]
        table.take(code[t], out=hue[t])
    return ColourMap(code, hue)


@cache
def _colours() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Hue in 0..6 (6 = 360 degrees), chroma in 0..255 and luminance in 0..255 of each row of the table."""
    level = (np.arange(2**_BITS, dtype=np.float32) + 0.5) * 2 ** (8 - _BITS)
    r, g, b = (axis.reshape(-1) for axis in np.meshgrid(level, level, level, indexing="ij"))
    rgb = np.stack([r, g, b])
    chroma = rgb.max(0) - rgb.min(0)
    safe = np.maximum(chroma, 1.0)
    largest = rgb.argmax(0)
    hue = np.select(
        [largest == 0, largest == 1], [(g - b) / safe, (b - r) / safe + 2], (r - g) / safe + 4
    ).astype(np.float32)
    return hue % 6, chroma, 0.299 * r + 0.587 * g + 0.114 * b


@cache
def _hue_table(min_chroma: int) -> NDArray[np.uint8]:
    hue, chroma, _ = _colours()
    return np.where(chroma >= min_chroma, np.round(hue) % 6, NO_HUE).astype(np.uint8)


def chroma_of(code: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Chroma in 0..255 of rows of the colour table."""
    return _colours()[1][code]


def luminance_of(code: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Luminance in 0..255 of rows of the colour table."""
    return _colours()[2][code]


def fine_hue_of(code: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Hue of rows of the colour table, quantised to :data:`FINE_HUES` steps."""
    return (np.round(_colours()[0][code] * (FINE_HUES / 6)) % FINE_HUES).astype(np.int64)
