"""A detector that finds one object, the whole frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def whole_frame(frames: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Returns a box of each frame's size."""
    return [
        (np.array([[0.0, 0.0, frame.shape[1], frame.shape[0]]]), np.ones(1), np.zeros(1, dtype=np.int64))
        for frame in frames
    ]
