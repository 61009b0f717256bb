"""Writes video files, for examples and tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.stream import VideoStream

from stgraph.checking import checked
from stgraph.errors import DataError, OptionError, ShapeError, StgraphError
from stgraph.files import atomic_write

__all__ = ["write_video"]

# fmt: off
MOST_FPS = 1000
_CONTAINERS = {
    ".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm", ".avi": "avi", ".gif": "gif", ".ts": "mpegts",
    ".mpg": "mpeg", ".flv": "flv", ".ogv": "ogv", ".nut": "nut",
}
# fmt: on
"""FFmpeg's name of the container by the ending of the file."""


@checked
def write_video(
    path: str | Path,
    frames: np.ndarray | Iterable[np.ndarray],
    fps: float = 10.0,
    *,
    codec: str = "libx264",
    key_every: int = 12,
) -> Path:
    """Writes RGB frames to a video file; its extension determines the container.

    Args:
        path: The file, such as ``cat.mp4``; an existing file is replaced.
        frames: The frames, as an array or one by one, so that a long video needs little memory; most codecs require an
            even height and width.
        fps: Frames per second.
        codec: Name of the codec in FFmpeg.
        key_every: Largest distance between key frames.

    Returns:
        The path.

    Raises:
        ShapeError: If ``frames`` has other axes or another type, or frames are of different sizes.
        OptionError: If ``fps`` or ``key_every`` is out of its range.
        DataError: If there are no frames, FFmpeg cannot write them, or the extension is that of no container.
        WriteError: As in ``stgraph.files.atomic_write``.

    Shapes: frames uint8 ``[F, H, W, 3]``, or F times ``[H, W, 3]``.
    """
    if not 0 < fps <= MOST_FPS:
        raise OptionError(f"'fps' must be above 0 and at most {MOST_FPS}, got {fps}.")
    if not 1 <= key_every < 1 << 31:
        raise OptionError(f"'key_every' must be from 1 to {(1 << 31) - 1}, got {key_every}.")
    if isinstance(frames, np.ndarray):
        if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
            raise ShapeError(f"'frames' must be uint8 [F, H, W, 3], got {frames.dtype} {list(frames.shape)}")
        size, each_frame = frames.shape[1:3], iter(frames)
    else:
        each_frame = iter(frames)
        first = next(each_frame, None)
        if first is None:
            raise DataError(f"There are no frames to write to {path}.")
        size, each_frame = first.shape[:2], chain([first], each_frame)
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in _CONTAINERS:
        raise DataError(f"{path} must end in {', '.join(_CONTAINERS)}, which names the container.")
    try:
        with atomic_write(path) as part, av.open(str(part), "w", format=_CONTAINERS[ending]) as container:
            stream = cast(
                VideoStream, container.add_stream(codec, rate=Fraction(fps).limit_denominator(1000))
            )
            stream.height, stream.width = size
            stream.pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
            stream.gop_size = key_every
            for frame in _checked(each_frame, size):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
    except StgraphError:  # of the frames, which are read or drawn meanwhile
        raise
    except (av.error.FFmpegError, ValueError) as error:
        raise DataError(f"{path} cannot be written with codec '{codec}': {error}.") from error
    return path


def _checked(frames: Iterator[np.ndarray], size: tuple[int, ...]) -> Iterator[np.ndarray]:
    for frame in frames:
        if frame.dtype != np.uint8 or frame.shape != (*size, 3):
            raise ShapeError(
                f"Each of 'frames' must be uint8 {[*size, 3]}, got {frame.dtype} {list(frame.shape)}."
            )
        yield frame
