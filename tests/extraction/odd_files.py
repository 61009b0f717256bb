"""Files as found in folders of thousands of videos: unusual ones that can be read, and unreadable ones of each kind."""

from fractions import Fraction

import av
import numpy as np

from tests.extraction.files import flat_video

GOOD = ("one frame", "1x1", "a b", "a=b", "a,b", "[a", "-dash", "ä{x}'\"", "run=3")
"""Ids of the unusual files that can be read."""


def write_good(folder):
    """Writes videos with unusual names and shapes."""
    folder.mkdir(exist_ok=True)
    flat_video(folder / "one frame.mp4", frames=1)
    tiny_video(folder / "1x1.mkv")
    for name in GOOD[2:]:
        flat_video(folder / f"{name}.mp4", frames=18)


def write_bad(folder):
    """Writes files that cannot be read; returns the pattern that each one's reason must match, by id."""
    folder.mkdir(exist_ok=True)
    whole = flat_video(folder / "whole.mp4", frames=60, size=(128, 128)).read_bytes()
    (folder / "whole.mp4").unlink()
    (folder / "truncated.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("this is no video\n" * 50)
    sound_only(folder / "sound.m4a")
    return {
        "truncated": "truncated|damaged",
        "empty": r"is empty \(0 bytes\)",
        "text": "cannot be read as a video",
        "sound": "has no video stream, only audio",
    }


def tiny_video(path):
    """One pixel, lossless."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.height = stream.width = 1
        stream.pix_fmt = "bgr0"
        for grey in (40, 60, 80):
            frame = av.VideoFrame.from_ndarray(np.full((1, 1, 3), grey, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def sound_only(path):
    """A second of silence."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        for k in range(16):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 16000, 1024 * k, Fraction(1, 16000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
