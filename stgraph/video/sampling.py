"""Which frames of a video are described: the rules of the three systems."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stgraph.errors import OptionError

__all__ = ["SAMPLING", "chunk_frames", "every_nth_frame", "spread_frames"]


def spread_frames(file_frames: int, count: int = 10) -> np.ndarray:
    r"""Frames in the middles of ``count`` equal parts; all frames of a shorter video.

    .. math:: n_t = \lfloor (t + 0.5) F / T \rfloor

    Args:
        file_frames: F, frames of the file.
        count: T.

    Raises:
        OptionError: If a number is below 1.
    Reference: STG-KD, Pan et al., CVPR 2020, section 4.3 ("evenly"); the middles: house design.

    >>> spread_frames(100, 4).tolist(), spread_frames(3, 10).tolist()
    ([12, 37, 62, 87], [0, 1, 2])
    """
    _check(file_frames, count, "count")
    if file_frames <= count:
        return np.arange(file_frames)
    return np.floor((np.arange(count) + 0.5) * file_frames / count).astype(np.int64)


def chunk_frames(file_frames: int, count: int = 28) -> np.ndarray:
    """The first frame of each of ``count`` equal chunks; all frames of a shorter video.

    Raises:
        OptionError: If a number is below 1.
    Reference: STAT, Tu et al., ACM MM 2017 (28 of each video).

    >>> chunk_frames(100, 4).tolist()
    [0, 25, 50, 75]
    """
    _check(file_frames, count, "count")
    if file_frames <= count:
        return np.arange(file_frames)
    return np.arange(count) * file_frames // count


def every_nth_frame(file_frames: int, step: int = 16) -> np.ndarray:
    """Every ``step``-th frame, from the first on.

    Raises:
        OptionError: If a number is below 1.
    Reference: STaTS, Cherian et al., WACV 2020 (every 16th).

    >>> every_nth_frame(40).tolist()
    [0, 16, 32]
    """
    _check(file_frames, step, "step")
    return np.arange(0, file_frames, step)


SAMPLING: dict[str, Callable[[int, int], np.ndarray]] = {
    "spread": spread_frames,
    "chunks": chunk_frames,
    "every": every_nth_frame,
}
"""The rules by the names that settings use; each takes the frames of the file and one number."""


def _check(file_frames: int, number: int, name: str) -> None:
    if file_frames < 1:
        raise OptionError(f"'file_frames' must be at least 1, got {file_frames}.")
    if number < 1:
        raise OptionError(f"'{name}' must be at least 1, got {number}.")
