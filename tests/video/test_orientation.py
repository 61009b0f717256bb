"""The eight orientations are the matrix applied to each pixel's position."""

import numpy as np
import pytest

from benchmarks.video.recipes import TURNS
from stgraph.video.orientation import upright


@pytest.mark.parametrize("matrix", TURNS.values(), ids=TURNS)
@pytest.mark.parametrize("scale", [1, 2.5])
def test_each_pixel_goes_where_the_matrix_says(matrix, scale):
    a, b, c, d = matrix
    height, width = 3, 5
    picture = np.arange(height * width).reshape(height, width, 1)
    moved = {(x, y): (a * x + c * y, b * x + d * y) for x in range(width) for y in range(height)}
    left, top = (min(place[axis] for place in moved.values()) for axis in (0, 1))
    shown = upright(picture, scale * np.array([[a, b], [c, d]]))
    assert shown.shape[:2] == ((width, height) if b else (height, width))
    for (x, y), (right, down) in moved.items():
        assert shown[down - top, right - left] == picture[y, x]
    assert shown.flags.c_contiguous
