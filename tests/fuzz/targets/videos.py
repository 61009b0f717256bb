"""Videos: what is accepted has as many frames as FFmpeg decodes, and each can be read."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Sequence
from pathlib import Path

import av
import torch

from stgraph.video import VideoReader
from tests.fuzz.mutations import mutate_bytes
from tests.fuzz.target import Silent, Target
from tests.video.samples import write_video

RECIPES = {
    "h264.mp4": {},
    "mpeg4.mp4": {"codec": "mpeg4"},
    "turned.mp4": {"turn": 90, "frames": 12},
    "uneven.mkv": {"stamps": [0, 40, 90, 100, 300, 310, 400, 500, 520, 600], "frames": 10},
    "vp9.webm": {"codec": "libvpx-vp9", "frames": 12, "speed": "8"},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p", "frames": 12},
    "flat.gif": {"codec": "gif", "pix_fmt": "rgb8", "frames": 12},
    "flv.flv": {"codec": "flv1"},
    "h264.ts": {},
    "mpeg2.mpg": {"codec": "mpeg2video"},
    "wmv.wmv": {"codec": "wmv2"},
}
HEAD = 700
"""Bytes at the start and the end of a file that mostly belong to the container."""
MARKS = (
    *(b"moov", b"mdat", b"trak", b"stsz", b"stco", b"stts", b"ctts", b"stsc", b"stss", b"stsd", b"mvhd", b"mdhd", b"elst"),
    *(b"RIFF", b"hdrl", b"avih", b"strh", b"strf", b"movi", b"idx1", b"00dc"),
    *(b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\x1f\x43\xb6\x75", b"\x1c\x53\xbb\x6b"),
    *(b"GIF89a", b"\x21\xf9\x04", b"\x2c\x00\x00"),
)  # fmt: skip
"""Beginnings of elements, by which mutations that change a structure are placed."""


class Videos(Target):
    """Small videos of the tests in many containers."""

    name = "videos"

    def prepare(self) -> dict[str, bytes]:
        seeds = {}
        for name, options in RECIPES.items():
            path = write_video(self.folder / name, **{"frames": 25, **options})
            seeds[name] = path.read_bytes()
        return seeds

    def mutate(self, draw: random.Random, seed: str, content: bytes, others: Sequence[bytes]) -> bytes:
        kind = draw.randrange(10)
        if kind < 3:
            return mutate_bytes(draw, content, others)
        if kind < 5:  # the container's head or tail
            if draw.random() < 0.5:
                return mutate_bytes(draw, content[:HEAD], others)[: 2 * HEAD] + content[HEAD:]
            return content[:-HEAD] + mutate_bytes(draw, content[-HEAD:], others)
        if kind == 5:
            return content[: draw.randrange(1, len(content))]
        places = [place + len(mark) for mark in MARKS for place in _places(content, mark)]
        if not places:
            return mutate_bytes(draw, content, others)
        place = max(0, draw.choice(places) - 8)
        return content[:place] + mutate_bytes(draw, content[place : place + 64])[:80] + content[place + 64 :]

    def check(self, seed: str, path: Path) -> None:
        with VideoReader(path) as reader:
            total, times, rate = reader.num_frames, reader.times, reader.fps
            numbers = list(range(total))[-60:]
            random.Random(total).shuffle(numbers)
            for number in numbers[:10]:
                reader.read([number])
            frames = reader.read(sorted(numbers))
        if len(frames) != len(numbers) or total < 1:
            raise Silent(f"{len(frames)} frames were read of {len(numbers)}")
        if len(times) != total or not bool(torch.isfinite(times).all()) or bool((times.diff() < 0).any()):
            raise Silent(f"the times of {total} frames are {times[:10].tolist()}")
        if not (rate > 0 or rate != rate):
            raise Silent(f"the rate is {rate}")
        if total != count_decoded(path) and total != (shown := count_shown(path)):
            raise Silent(f"there are {total} frames, but ffmpeg shows {shown}")


def count_decoded(path: Path) -> int:
    """Frames that FFmpeg decodes from the start to the end of a file; it drops packets that cannot be decoded."""
    count = 0
    with av.open(str(path), metadata_errors="replace") as container:
        container.flags &= ~0x1
        streams = [each for each in container.streams.video if each.codec_context is not None]
        stream = max(streams, key=lambda each: each.codec_context.width * each.codec_context.height)
        stream.thread_type = "NONE"
        try:
            for packet in container.demux(stream):
                try:
                    count += len(stream.decode(packet))
                except av.error.FFmpegError:
                    continue
        except av.error.FFmpegError:
            pass
    return count


def count_shown(path: Path) -> int:
    """Frames that the program ``ffmpeg`` writes, which chooses among several streams and hides what players hide."""
    command = [
        "ffmpeg",
        "-v",
        "quiet",
        "-i",
        str(path),
        "-an",
        "-fps_mode",
        "passthrough",
        "-f",
        "framemd5",
        "-",
    ]
    lines = subprocess.run(command, capture_output=True, check=False, timeout=50).stdout.splitlines()
    return sum(not line.startswith(b"#") for line in lines)


def _places(content: bytes, mark: bytes) -> list[int]:
    found, place = [], content.find(mark)
    while place >= 0:
        found.append(place)
        place = content.find(mark, place + 1)
    return found[:50]


TARGET = Videos
