"""Random access to the frames of a video file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
import torch
from av.container import InputContainer
from av.video.frame import VideoFrame
from torch import Tensor

from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.video.index import PacketIndex, index_packets

__all__ = ["VideoReader"]


class VideoReader:
    """Reads frames by number from a video file of any container and codec that FFmpeg supports.

    Frame n is the n-th frame in display order, also if the frame rate varies. Frames are rotated as the file's metadata
    says. The reader seeks to the last key frame before a distant frame and decodes forward to a near one.

    Args:
        path: The file.

    Raises:
        MissingDataError: If the file does not exist.
        DataError: If the file is not readable, empty, truncated, not a video, or has only audio; the message says which.

    Reference: our own design.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._container = self._open()
        if not self._container.streams.video:
            others = sorted({stream.type for stream in self._container.streams})
            self._container.close()
            raise DataError(
                f"{self.path} has no video stream, only {' and '.join(others) or 'nothing'}; leave it out."
            )
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self._position = 0  # number of the frame that is decoded next
        self._decoded: Iterator[VideoFrame] | None = None

    def _open(self) -> InputContainer:
        if not self.path.exists():
            raise MissingDataError(f"There is no video at {self.path}.")
        try:
            if self.path.is_file() and self.path.stat().st_size == 0:
                raise DataError(f"{self.path} is empty (0 bytes); download it again.")
            # An absolute path: FFmpeg would take a leading dash or "http:" for an option or an address.
            return av.open(str(self.path.absolute()))
        except (av.error.FFmpegError, OSError) as error:
            if isinstance(error, PermissionError):
                raise DataError(f"{self.path} is not readable; change its permissions.") from error
            reason = getattr(error, "strerror", None) or str(error)
            raise DataError(f"{self.path} cannot be read as a video ({reason}); is it truncated?") from error

    @cached_property
    def index(self) -> PacketIndex:
        """Time stamps and key frames of the file.

        Raises:
            DataError: If the file is truncated or damaged.
        """
        try:
            index = index_packets(self._container, self._stream)
        except DataError as error:
            raise DataError(f"{self.path}: {error}; download it again.") from error
        if index.num_packets == 0:
            raise DataError(f"{self.path} has no frames; leave it out.")
        self._rewind()
        return index

    @property
    def num_frames(self) -> int:
        """F, the number of frames in the file."""
        return self.index.num_packets

    @property
    def fps(self) -> float:
        """Mean number of frames per second; NaN if unknown."""
        rate = self._stream.average_rate or self._stream.guessed_rate
        return float(rate) if rate else float("nan")

    @cached_property
    def times(self) -> Tensor:
        """Seconds from the first frame to each frame, ``[F]``; from the frame rate if the file has no time stamps."""
        if self.index.pts is None:
            return torch.arange(self.num_frames) / self.fps
        unit = float(self._stream.time_base or 1)
        return torch.from_numpy((self.index.pts - self.index.pts[0]) * unit).float()

    @cached_property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels after rotation; decodes the first frame."""
        height, width = self.read([0]).shape[1:3]
        return int(height), int(width)

    def read(self, numbers: Sequence[int]) -> Tensor:
        """Reads frames by number.

        Args:
            numbers: Frame numbers, from 0, in any order.

        Returns:
            RGB frames in the given order, uint8 ``[n, H, W, 3]``.

        Raises:
            OptionError: If a number is not that of a frame in the file.
            DataError: If a frame cannot be decoded.
        """
        frames = dict(self.frames(numbers))
        return torch.from_numpy(np.stack([frames[int(number)] for number in numbers]))

    def frames(self, numbers: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        """Yields frames one at a time, in increasing order.

        Args:
            numbers: Frame numbers, from 0, in any order.

        Yields:
            The number of a frame and the frame in RGB, uint8 ``[H, W, 3]``.

        Raises:
            OptionError: As in :meth:`read`.
            DataError: As in :meth:`read`.
        """
        wanted = sorted({int(number) for number in numbers})
        outside = [number for number in wanted if not 0 <= number < self.num_frames]
        if outside:
            raise OptionError(f"{self.path} has frames 0 to {self.num_frames - 1}, got {outside[0]}.")
        for number in wanted:
            yield number, _to_rgb(self._frame(number))

    def close(self) -> None:
        """Closes the file."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _frame(self, number: int) -> VideoFrame:
        index = self.index
        key = index.key_before(number)
        if number < self._position or key > self._position:
            self._seek(key)
        try:
            while True:
                if self._decoded is None:
                    self._decoded = self._container.decode(self._stream)
                frame = next(self._decoded)
                if index.pts is not None and frame.pts is not None:
                    self._position = int(np.searchsorted(index.pts, frame.pts))
                self._position += 1
                if self._position > number:
                    return frame
        except (StopIteration, av.error.FFmpegError) as error:
            raise DataError(
                f"{self.path}: frame {number} of {self.num_frames} cannot be decoded; the file is damaged."
            ) from error

    def _seek(self, key: int) -> None:
        pts = self.index.pts
        if pts is None or key == 0:
            self._rewind()
            return
        self._container.seek(int(pts[key]), stream=self._stream, backward=True)
        self._position, self._decoded = key, None

    def _rewind(self) -> None:
        """Reopens the file, because seeking back to the start fails in some containers."""
        self._container.close()
        self._container = self._open()
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self._position, self._decoded = 0, None


def _to_rgb(frame: VideoFrame) -> np.ndarray:
    """Converts a frame to RGB and rotates it as the file's metadata says."""
    image = frame.to_ndarray(format="rgb24")
    turns = round(frame.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image
