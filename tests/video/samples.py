"""Small videos in which each frame's colour encodes its number."""

from fractions import Fraction

import av
import numpy as np


def colour(number):
    """Colour of frame ``number`` as RGB; codecs change flat colours by a few units at most."""
    return np.array([40 + 20 * (number % 9), 40 + 20 * (number // 9 % 9), 120])


def write_video(path, frames=30, size=(48, 64), codec="libx264", gop=10, stamps=None, turn=0, **options):
    """Writes a video; ``stamps`` are the times of the frames in milliseconds, 25 frames per second if None."""
    with av.open(str(path), "w", format=options.pop("format", None)) as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = size
        stream.pix_fmt = options.pop("pix_fmt", "yuv420p")
        stream.gop_size = gop
        stream.codec_context.time_base = Fraction(1, 25 if stamps is None else 1000)
        stream.options = {"crf": "5", "sc_threshold": "0", **options} if codec == "libx264" else options
        if turn:
            stream.set_display_rotation(turn)
        for number in range(frames):
            picture = np.broadcast_to(colour(number).astype(np.uint8), (*size, 3)).copy()
            picture[: size[0] // 3, : size[1] // 3] = 255  # a corner that shows the rotation
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number if stamps is None else stamps[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
