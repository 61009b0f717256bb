"""Random access to the frames of a video file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import torch
from av.video.frame import VideoFrame
from torch import Tensor

from stgraph.checking import checked
from stgraph.errors import DataError, OptionError
from stgraph.video.cursor import FrameCursor
from stgraph.video.orientation import display_matrix, shown_size, upright
from stgraph.video.video_file import VideoFile, translated_errors

__all__ = ["VideoReader"]

_TOLERATED_RATE_ERROR = 0.05


@checked
class VideoReader:
    """Reads frames by number from a video file of any container and codec that FFmpeg supports.

    Frame n is the n-th picture that a player shows, which is also the n-th that ``ffmpeg`` writes: pictures that are hidden,
    cut away by an edit list, or not decodable at the start of a recording are not counted. Frames are turned and mirrored
    as the file's display matrix says; pixels that are not square stay as they are stored, and so do the lines of
    interlaced video. The reader seeks to the last key frame before a distant frame and decodes forward to a near one.

    Args:
        path: The file.

    Raises:
        MissingDataError: If the file does not exist.
        DataError: If the file is not a readable regular file, is empty, truncated, not a video, or has only audio; the
            message says which.

    Reference: our own design.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file = VideoFile(self.path)

    @cached_property
    def _cursor(self) -> FrameCursor:
        return FrameCursor.open(self._file)

    @property
    def num_frames(self) -> int:
        """F, the number of frames that a player shows.

        Raises:
            DataError: If the file is truncated or damaged.
        """
        return len(self._cursor.index)

    @property
    def fps(self) -> float:
        """Mean number of frames per second; NaN if unknown.

        The container's number is used if it agrees with the times of the frames, else theirs is.
        """
        span, rates = float(self.times[-1]), self._file.rates
        if span <= 0:
            return rates[-1] if rates else float("nan")
        measured = (self.num_frames - 1) / span
        nearest = min(rates, key=lambda rate: abs(rate - measured), default=measured)
        return nearest if abs(nearest - measured) <= _TOLERATED_RATE_ERROR * measured else measured

    @cached_property
    def times(self) -> Tensor:
        """Seconds from the first frame to each frame, ``[F]``; from the frame rate if the file has no time stamps."""
        return torch.from_numpy(self._cursor.index.times).float()

    @cached_property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels after rotation; decodes the first frame."""
        frame = self._cursor.first_frame()
        return shown_size(frame.height, frame.width, display_matrix(frame))

    def read(self, numbers: Sequence[int]) -> Tensor:
        """Reads frames by number.

        Args:
            numbers: Frame numbers, from 0, in any order.

        Returns:
            RGB frames in the given order, uint8 ``[n, H, W, 3]``.

        Raises:
            OptionError: If a number is not that of a frame in the file.
            DataError: If a frame cannot be decoded, or their sizes differ.
        """
        frames = dict(self.frames(numbers))
        sizes = {frame.shape[:2] for frame in frames.values()}
        if len(sizes) > 1:
            named = " and ".join(f"{height} x {width}" for height, width in sorted(sizes)[:2])
            raise DataError(
                f"{self.path} has frames of {len(sizes)} sizes, such as {named}; cut the file where its size changes."
            )
        chosen = [frames[int(number)] for number in numbers]
        return torch.from_numpy(np.stack(chosen) if chosen else np.zeros((0, *self.size, 3), dtype=np.uint8))

    def frames(self, numbers: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Yields frames one at a time, in increasing order.

        Args:
            numbers: Frame numbers, from 0, in any order.

        Yields:
            The number of a frame and the frame in RGB, uint8 ``[H, W, 3]``.

        Raises:
            OptionError: As in :meth:`read`.
            DataError: If a frame cannot be decoded.
        """
        wanted = sorted({int(number) for number in numbers})
        outside = [number for number in wanted if not 0 <= number < self.num_frames]
        if outside:
            raise OptionError(
                f"{self.path} has frames 0 to {self.num_frames - 1}, got {outside[0]}; ask for those."
            )
        for number in wanted:
            yield number, self._rgb(self._cursor.frame(number))

    def close(self) -> None:
        """Closes the file."""
        if "_cursor" in self.__dict__:
            self._cursor.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _rgb(self, frame: VideoFrame) -> np.ndarray:
        with translated_errors(self.path, "converted to RGB"):
            return upright(frame.to_ndarray(format="rgb24"), display_matrix(frame))
