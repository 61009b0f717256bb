"""RoIAlign (He et al., ICCV 2017) box by box, bin by bin, point by point, and the maximum over the bins; float64."""

import math

import numpy as np


def max_roi_features(cells, boxes, stride, bins=7, points=2):
    """Features ``[n, C]`` of boxes ``[n, 4]`` (pixels, ``stride`` to a cell) from a map ``[C, h, w]``."""
    cells = np.asarray(cells, dtype=np.float64)
    rows = []
    for box in np.asarray(boxes, dtype=np.float64):
        # Pixel p lies at p / stride; the value of a cell belongs to its centre, so cells are half a step off.
        left, top, right, bottom = box / stride - 0.5
        values = []
        for i in range(bins):
            for j in range(bins):
                total = np.zeros(len(cells))
                for u in range(points):
                    for v in range(points):
                        y = top + (bottom - top) * (i + (u + 0.5) / points) / bins
                        x = left + (right - left) * (j + (v + 0.5) / points) / bins
                        total += bilinear(cells, y, x)
                values.append(total / points**2)
        rows.append(np.max(values, axis=0))
    return np.array(rows).reshape(len(boxes), len(cells))


def bilinear(cells, y, x):
    """The map at a point: beyond its outermost cells it stays what they are for one cell, then is zero."""
    _, height, width = cells.shape
    if not (-1 <= y <= height and -1 <= x <= width):
        return np.zeros(len(cells))
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    low_y, low_x = math.floor(y), math.floor(x)
    high_y, high_x = min(low_y + 1, height - 1), min(low_x + 1, width - 1)
    down, across = y - low_y, x - low_x
    return (
        (1 - down) * (1 - across) * cells[:, low_y, low_x]
        + (1 - down) * across * cells[:, low_y, high_x]
        + down * (1 - across) * cells[:, high_y, low_x]
        + down * across * cells[:, high_y, high_x]
    )
