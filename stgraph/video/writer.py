"""Writes video files, for examples and tests."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.stream import VideoStream

from stgraph.errors import DataError, ShapeError
from stgraph.files import atomic_write

__all__ = ["write_video"]

# fmt: off
_CONTAINERS = {
    ".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm", ".avi": "avi", ".gif": "gif", ".ts": "mpegts",
    ".mpg": "mpeg", ".flv": "flv", ".ogv": "ogv", ".nut": "nut",
}
# fmt: on
"""FFmpeg's name of the container by the ending of the file."""


def write_video(
    path: str | Path, frames: np.ndarray, fps: float = 10.0, *, codec: str = "libx264", key_every: int = 12
) -> Path:
    """Writes RGB frames to a video file; its extension determines the container.

    Args:
        path: The file, such as ``cat.mp4``; an existing file is replaced.
        frames: The frames; most codecs require an even height and width.
        fps: Frames per second.
        codec: Name of the codec in FFmpeg.
        key_every: Largest distance between key frames.

    Returns:
        The path.

    Raises:
        ShapeError: If ``frames`` has other axes or another type.
        DataError: If FFmpeg cannot write these frames, or the extension is that of no container.
        WriteError: As in ``stgraph.files.atomic_write``.

    Shapes: frames uint8 ``[F, H, W, 3]``.
    """
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
        raise ShapeError(f"'frames' must be uint8 [F, H, W, 3], got {frames.dtype} {list(frames.shape)}")
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in _CONTAINERS:
        raise DataError(f"{path} must end in {', '.join(_CONTAINERS)}, which names the container.")
    try:
        with atomic_write(path) as part, av.open(str(part), "w", format=_CONTAINERS[ending]) as container:
            stream = cast(
                VideoStream, container.add_stream(codec, rate=Fraction(fps).limit_denominator(1000))
            )
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
            stream.gop_size = key_every
            for frame in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
    except (av.error.FFmpegError, ValueError) as error:
        raise DataError(f"{path} cannot be written with codec '{codec}': {error}.") from error
    return path
