"""Rules that choose the frames of a video to extract features from, as in the three systems' papers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stgraph.checking import checked
from stgraph.errors import OptionError

__all__ = ["SAMPLING", "chunk_frames", "every_nth_frame", "floored_chunk_frames", "spread_frames"]


@checked
def spread_frames(file_frames: int, count: int = 10) -> np.ndarray:
    r"""The middle frame of each of ``count`` equal parts; all frames of a shorter video.

    .. math:: n_t = \lfloor (t + 0.5) F / T \rfloor

    Args:
        file_frames: F, the number of frames in the file.
        count: T, the number of frames to sample.

    Returns:
        Increasing frame numbers.

    Raises:
        OptionError: If a number is below 1.

    Reference: STG-KD, Pan et al., CVPR 2020, section 4.3 ("uniformly"); the middle of each part is our own design.

    >>> spread_frames(100, 4).tolist(), spread_frames(3, 10).tolist()
    ([12, 37, 62, 87], [0, 1, 2])
    """
    _check(file_frames, count, "count")
    if file_frames <= count:
        return np.arange(file_frames)
    return np.floor((np.arange(count) + 0.5) * file_frames / count).astype(np.int64)


@checked
def chunk_frames(file_frames: int, count: int = 28) -> np.ndarray:
    r"""The first frame of each of ``count`` chunks as ``numpy.array_split`` cuts them; all frames of a shorter video.

    .. math:: n_i = i q + \min(i, r), \quad q = \lfloor F / K \rfloor, \quad r = F - q K

    The first r chunks are one frame longer than the others.

    Args:
        file_frames: F, the number of frames in the file.
        count: K, the number of frames to sample.

    Returns:
        Increasing frame numbers.

    Raises:
        OptionError: If a number is below 1.

    Reference: STAT, Tu et al., ACM MM 2017, the authors' released code (28 frames per video).

    >>> chunk_frames(10, 4).tolist()
    [0, 3, 6, 8]
    """
    _check(file_frames, count, "count")
    if file_frames <= count:
        return np.arange(file_frames)
    length, longer = divmod(file_frames, count)
    chunk = np.arange(count)
    return chunk * length + np.minimum(chunk, longer)


@checked
def floored_chunk_frames(file_frames: int, count: int = 28) -> np.ndarray:
    """Frame floor(i F / K) for each i below K = ``count``: what "chunks" was in earlier versions, kept for their stores.

    Args:
        file_frames: F, the number of frames in the file.
        count: K, the number of frames to sample.

    Returns:
        Increasing frame numbers.

    Raises:
        OptionError: If a number is below 1.

    >>> floored_chunk_frames(10, 4).tolist()
    [0, 2, 5, 7]
    """
    _check(file_frames, count, "count")
    if file_frames <= count:
        return np.arange(file_frames)
    return np.arange(count) * file_frames // count


@checked
def every_nth_frame(file_frames: int, step: int = 16) -> np.ndarray:
    """Every ``step``-th frame, starting with the first.

    Args:
        file_frames: Number of frames in the file.
        step: Distance between sampled frames.

    Returns:
        Increasing frame numbers.

    Raises:
        OptionError: If a number is below 1.

    Reference: STaTS, Cherian et al., WACV 2020 (every 16th frame).

    >>> every_nth_frame(40).tolist()
    [0, 16, 32]
    """
    _check(file_frames, step, "step")
    if file_frames // step >= 1 << 32:
        raise OptionError(
            f"'file_frames' must be the number of frames of a video file, got {file_frames}, of which every {step}th "
            "would not fit in memory."
        )
    return np.arange(0, file_frames, step)


SAMPLING: dict[str, Callable[[int, int], np.ndarray]] = {
    "spread": spread_frames,
    "chunks": chunk_frames,
    "chunks_floored": floored_chunk_frames,
    "every": every_nth_frame,
}
"""Sampling rules by their names in the configuration; each takes the number of frames in the file and one parameter."""


def _check(file_frames: int, number: int, name: str) -> None:
    if file_frames < 1:
        raise OptionError(f"'file_frames' must be at least 1, got {file_frames}.")
    if number < 1:
        raise OptionError(f"'{name}' must be at least 1, got {number}.")
