"""Frames as a video file, for examples and tests."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.stream import VideoStream

from stgraph.errors import DataError, ShapeError

__all__ = ["write_video"]


def write_video(
    path: str | Path, frames: np.ndarray, fps: float = 10.0, *, codec: str = "libx264", key_every: int = 12
) -> Path:
    """Writes RGB frames; the container follows from the file's ending.

    Args:
        path: Such as ``cat.mp4``; a file of that name is replaced.
        frames: The pictures; most codecs want even sides.
        fps: Frames a second.
        codec: As FFmpeg calls it.
        key_every: Frames from one key frame to the next, at most.

    Shapes: frames uint8 ``[F, H, W, 3]``.

    Raises:
        ShapeError: If ``frames`` has other axes.
        DataError: If FFmpeg cannot write such frames.
    """
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8:
        raise ShapeError(f"'frames' must be uint8 [F, H, W, 3], got {frames.dtype} {list(frames.shape)}")
    try:
        with av.open(str(path), "w") as container:
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
    return Path(path)
