"""Turns and mirrors frames as the file's display matrix says."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from av.sidedata.sidedata import SideDataContainer, Type
from av.video.frame import VideoFrame

__all__ = ["display_matrix", "shown_size", "upright"]


def display_matrix(frame: VideoFrame) -> np.ndarray:
    """Returns the linear part of a frame's display matrix, ``[2, 2]``; the identity if the file has none.

    A stored position (x, y), y pointing down, is shown at ``(x, y) @ matrix``, up to a translation.
    """
    # Not frame.side_data: the frame keeps that, and with it itself and the decoder's threads until the garbage collection.
    data = cast(Any, SideDataContainer)(frame).get(Type.DISPLAYMATRIX)  # PyAV's stubs lack the key type
    if data is None:
        return np.eye(2)
    numbers = np.frombuffer(bytes(data), dtype=np.int32)
    return numbers[[0, 1, 3, 4]].reshape(2, 2) / 65536.0


def upright(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Applies a display matrix to a picture; of its eight orientations the nearest is taken, and scaling is ignored.

    Args:
        image: The picture as stored.
        matrix: The matrix, as from :func:`display_matrix`.

    Shapes: image ``[H, W, 3]``, matrix ``[2, 2]`` -> ``[H, W, 3]`` or ``[W, H, 3]``.

    >>> picture = np.arange(6).reshape(2, 3, 1)
    >>> upright(picture, np.array([[0, 1], [-1, 0]]))[..., 0].tolist()  # a quarter turn clockwise
    [[3, 0], [4, 1], [5, 2]]
    """
    if _swaps(matrix):
        image, right, down = image.swapaxes(0, 1), matrix[1, 0], matrix[0, 1]
    else:
        right, down = matrix[0, 0], matrix[1, 1]
    if down < 0:
        image = image[::-1]
    if right < 0:
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def shown_size(height: int, width: int, matrix: np.ndarray) -> tuple[int, int]:
    """Height and width of a picture to which :func:`upright` is applied."""
    return (width, height) if _swaps(matrix) else (height, width)


def _swaps(matrix: np.ndarray) -> bool:
    return bool(abs(matrix[0, 1]) > abs(matrix[0, 0]))
