import colorsys

import numpy as np
import pytest

from stgraph.datasets.interactions.pixels import NO_HUE, colour_map
from stgraph.datasets.interactions.pixels.colour import chroma_of, fine_hue_of, luminance_of
from stgraph.errors import DataError, ShapeError


def test_the_table_agrees_with_the_standard_librarys_hue():
    """Colours in the middle of the table's steps, so that the rounding to steps plays no part."""
    levels = np.random.default_rng(0).integers(0, 32, size=(500, 3)) * 8 + 4
    code = colour_map(levels.reshape(1, 1, -1, 3).astype(np.uint8), min_chroma=50)
    for k, (r, g, b) in enumerate(levels / 255):
        hue, _, _ = colorsys.rgb_to_hsv(r, g, b)
        chroma = 255 * (max(r, g, b) - min(r, g, b))
        number = code.code[0, 0, k]
        assert chroma_of(number) == pytest.approx(chroma, abs=1e-3)
        assert luminance_of(number) == pytest.approx(255 * (0.299 * r + 0.587 * g + 0.114 * b), abs=1e-2)
        if chroma < 50:
            assert code.hue[0, 0, k] == NO_HUE
        else:
            off_centre = abs((hue * 6 - code.hue[0, 0, k] + 3) % 6 - 3)
            assert off_centre <= 0.5 + 1e-4
            assert abs((hue * 24 - fine_hue_of(number) + 12) % 24 - 12) <= 0.5 + 1e-4


def test_frames_are_checked():
    with pytest.raises(ShapeError, match=r"\[T, H, W, 3\], got \[4, 4, 3\]"):
        colour_map(np.zeros((4, 4, 3), dtype=np.uint8))
    with pytest.raises(DataError, match="must be uint8 RGB"):
        colour_map(np.zeros((1, 4, 4, 3)))
