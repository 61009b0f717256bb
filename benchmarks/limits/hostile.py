"""Small files that claim to be large."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import av
import numpy as np

from stgraph.video import write_video

__all__ = ["VIDEOS", "write"]

SIDE = 32768
TRACKS = 5_000


def write(name: str, folder: Path) -> Path:
    """Writes one of :data:`VIDEOS` to a folder."""
    return VIDEOS[name](folder)


def _small(path: Path, codec: str = "libx264") -> bytes:
    frames = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3)).astype(np.uint8)
    return write_video(path, frames, codec=codec).read_bytes()


def _gif_of_many_pixels(folder: Path) -> Path:
    path = folder / "pixels.gif"
    content = bytearray(_small(path, "gif"))
    struct.pack_into("<HH", content, 6, SIDE - 1, SIDE - 1)
    path.write_bytes(content)
    return path


def _png_of_many_pixels(folder: Path) -> Path:
    """A size that FFmpeg by itself would decode, and an image of one row."""
    path = folder / "picture.gif"  # its content decides
    header = b"IHDR" + struct.pack(">IIBBBBB", 16_000, 16_000, 8, 2, 0, 0, 0)
    chunks = (header, b"IDAT" + zlib.compress(bytes(48_001)), b"IEND")
    encoded = (
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(encoded))
    return path


def _jpegs_of_many_pixels(folder: Path) -> Path:
    """The pictures themselves claim 32768 x 32768, the container 64 x 64."""
    path = folder / "jpegs.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.height, stream.width, stream.pix_fmt = 64, 64, "yuvj420p"
        picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 99, np.uint8), format="rgb24")
        for packet in (*stream.encode(picture), *stream.encode()):
            container.mux(packet)
    content = bytearray(path.read_bytes())
    place = content.find(b"\xff\xc0")
    while place >= 0:
        struct.pack_into(">HH", content, place + 5, SIDE, SIDE)
        place = content.find(b"\xff\xc0", place + 2)
    path.write_bytes(content)
    return path


def _frames_claimed(folder: Path) -> Path:
    """1,000,000,000 frames of one byte each."""
    path = folder / "frames.mp4"
    content = bytearray(_small(path))
    count = 1_000_000_000
    struct.pack_into(">III", content, content.index(b"stsz") + 8, 1, count, 0)
    place = content.index(b"stsc") + 12
    struct.pack_into(">I", content, place + 4, count)
    struct.pack_into(">I", content, content.index(b"stts") + 12, count)
    path.write_bytes(content)
    return path


def _fragments_claimed(folder: Path) -> Path:
    """A fragment whose run claims 1,000,000,000 frames without a table of them."""
    path = folder / "fragments.mp4"
    run = struct.pack(">I4sII", 16, b"trun", 0, 1_000_000_000)
    header = struct.pack(">I4sII", 16, b"tfhd", 0, 1)
    inner = struct.pack(">I4s", 8 + len(header + run), b"traf") + header + run
    path.write_bytes(_small(path) + struct.pack(">I4s", 8 + len(inner), b"moof") + inner)
    return path


def _long_duration(folder: Path) -> Path:
    """Two frames, five hours each."""
    path = folder / "duration.mp4"
    content = bytearray(_small(path))
    place = content.index(b"mdhd")
    unit = struct.unpack_from(">I", content, place + 16)[0]  # parts of a second
    struct.pack_into(">I", content, place + 20, unit * 36_000)
    struct.pack_into(">I", content, content.index(b"stts") + 16, unit * 18_000)
    struct.pack_into(">I", content, content.index(b"elst") + 12, 1000 * 36_000)  # in milliseconds
    path.write_bytes(content)
    return path


def _many_streams(folder: Path) -> Path:
    """A Matroska file whose tracks are repeated 5,000 times."""
    path = folder / "streams.mkv"
    content = _small(path)
    start = content.rindex(b"\x16\x54\xae\x6b")  # the first one is in the list of elements
    length, width = _size_of(content, start + 4)
    tracks = content[start + 4 + width : start + 4 + width + length]
    if tracks[:2] == b"\xbf\x84":
        tracks = tracks[6:]  # after a checksum, which would not fit any more
    number = tracks.index(b"\xd7\x81") + 2
    entries = b"".join(_with_number(tracks, number, 1 + k) for k in range(TRACKS))
    repeated = b"\x16\x54\xae\x6b" + _vint(len(entries)) + entries
    segment = content.index(b"\x18\x53\x80\x67")
    _, wide = _size_of(content, segment + 4)
    rest = content[segment + 4 + wide : start] + repeated + content[start + 4 + width + length :]
    path.write_bytes(content[: segment + 4] + _vint(len(rest)) + rest)
    return path


def _with_number(track: bytes, place: int, number: int) -> bytes:
    """A track entry with another number; two bytes are needed, so the entry is written anew."""
    inner_start = 1 + _size_of(track, 1)[1]
    body = track[inner_start:]
    at = place - inner_start - 2
    body = body[:at] + b"\xd7\x82" + struct.pack(">H", number) + body[at + 3 :]
    return b"\xae" + _vint(len(body)) + body


def _size_of(content: bytes, place: int) -> tuple[int, int]:
    first = content[place]
    width = 9 - first.bit_length()
    return int.from_bytes(content[place : place + width], "big") & ((1 << 7 * width) - 1), width


def _vint(number: int) -> bytes:
    return (number | 1 << 56).to_bytes(8, "big")


VIDEOS = {
    "a GIF of 32767 x 32767": _gif_of_many_pixels,
    "a PNG of 16000 x 16000": _png_of_many_pixels,
    "JPEG pictures of 32768 x 32768 in AVI": _jpegs_of_many_pixels,
    "an MP4 of 1,000,000,000 frames": _frames_claimed,
    "fragments of 1,000,000,000 frames": _fragments_claimed,
    "10 hours in two frames": _long_duration,
    "5,000 tracks in Matroska": _many_streams,
}
"""Functions that write a file into a folder, by what the file claims."""
