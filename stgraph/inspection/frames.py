"""The frames that pictures and pages show."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from stgraph.checking import described
from stgraph.errors import OptionError, ShapeError

__all__ = ["shown_frames"]


def shown_frames(frames: np.ndarray | Tensor, count: int) -> np.ndarray:
    """Frames as uint8 on the CPU.

    Args:
        frames: RGB of every frame, whole numbers from 0 to 255 or floats from 0 to 1, ``[T, H, W, 3]``.
        count: T, the number of frames of the video.

    Raises:
        ShapeError: If they have other axes.
        OptionError: If they hold other values.
    """
    if isinstance(frames, Tensor) and not frames.is_meta:
        frames = frames.detach().cpu().numpy()
    if tuple(frames.shape) != (count, *frames.shape[1:3], 3) or not frames.size:
        raise ShapeError(f"'frames' must be [T={count}, H, W, 3], got {list(frames.shape)}.")
    if not isinstance(frames, np.ndarray) or frames.dtype.kind not in "biuf":
        raise OptionError(f"'frames' must be uint8 RGB, got {described(frames)}.")
    if frames.dtype == np.uint8:
        return frames
    most = 1 if frames.dtype.kind in "fb" else 255
    if not (frames.min() >= 0 and frames.max() <= most):
        raise OptionError(
            f"'frames' must be uint8 RGB, or from 0 to {most} as {frames.dtype}, got {frames.min()} to {frames.max()}."
        )
    return np.rint(frames * (255 // most)).astype(np.uint8)
