"""Where files end that consist of units of a fixed or declared length, without a header for the whole.

A file that ends within a unit was cut off. One that ends between two units may be complete.
"""

from __future__ import annotations

import re
from typing import BinaryIO

__all__ = ["dv_size", "program_stream_size", "transport_stream_size", "y4m_size"]

_SYNC = b"\x47"
_TRANSPORT_PACKET = 188
_TRANSPORT_WIDTHS = (188, 192, 204)
"""Bytes from one packet to the next: bare, after a time stamp of four bytes (Blu-ray), before a checksum (DVB)."""

_FEWEST_PACKETS, _FEWEST_ELEMENTS = 5, 3
"""Packets and elements in a row by which a transport and a program stream are recognized."""

_LARGEST_PES_PACKET = 6 + 0xFFFF
_PACK, _PROGRAM_END, _FIRST_STREAM = 0xBA, 0xB9, 0xBB

_ZEROS = re.compile(rb"\0{2,}\x01")

_LONGEST_Y4M_LINE = 256
_Y4M_COLOURS = re.compile(rb"(420|422|444|411|mono)(?:jpeg|mpeg2|paldv)?(alpha)?(?:p?(\d{1,2}))?")
_Y4M_NUMBER = re.compile(rb"\d{1,6}")
_DV_HEADER = b"\x1f\x07\x00"
_DV_FRAMES = (120_000, 144_000)  # 525 and 625 lines; formats of higher rates take a multiple


def transport_stream_size(file: BinaryIO, size: int) -> int:
    """End of the last packet of an MPEG transport stream.

    Args:
        file: The file.
        size: Its size in bytes.

    Returns:
        The number of bytes; 0 if the file doesn't end with packets.
    """
    start = max(0, size - 8 * max(_TRANSPORT_WIDTHS))
    tail = _read(file, start, size - start)
    for width in _TRANSPORT_WIDTHS:
        for first in range(width):
            found = tail[first::width]
            if len(found) >= _FEWEST_PACKETS and found == _SYNC * len(found):
                last = start + first + (len(found) - 1) * width
                return last + (width if width > 192 else _TRANSPORT_PACKET)
    return 0


def program_stream_size(file: BinaryIO, size: int) -> int:
    """End of the last packet of an MPEG program stream.

    Args:
        file: The file.
        size: Its size in bytes.

    Returns:
        The number of bytes; 0 if the file doesn't end with packets.
    """
    start = max(0, size - 4 * _LARGEST_PES_PACKET)
    tail = _read(file, start, size - start)
    place = tail.find(b"\0\0\1\xba")
    while place >= 0:
        count, end = 0, place
        while end < len(tail) and (length := _program_element(tail[end : end + 14])):
            count, end = count + 1, _skip_zeros(tail, end + length)
        if count >= _FEWEST_ELEMENTS and end >= len(tail):
            return start + end
        place = tail.find(b"\0\0\1\xba", max(end, place + 4))
    return 0


def _program_element(head: bytes) -> int:
    """Length of a pack header or packet by its first bytes; 0 if it is neither or its length is missing."""
    code = head[3] if len(head) >= 6 and head[:3] == b"\0\0\1" else 0
    if code == _PROGRAM_END:
        return 4
    if code == _PACK and head[4] >> 4 == 0b0010:  # MPEG-1
        return 12
    if code == _PACK and head[4] >> 6 == 0b01:
        return 14 + (head[13] & 7 if len(head) == 14 else 0)
    length = int.from_bytes(head[4:6], "big")
    return 6 + length if code >= _FIRST_STREAM and length else 0


def _skip_zeros(tail: bytes, place: int) -> int:
    """Place of the next start code after zeros, with which sectors of a video CD are filled up."""
    zeros = _ZEROS.match(tail, place)
    return zeros.end() - 3 if zeros else place


def y4m_size(file: BinaryIO, size: int) -> int | None:
    """End of the last frame of a YUV4MPEG2 file.

    Args:
        file: The file.
        size: Its size in bytes.

    Returns:
        The number of bytes; 0 if the header doesn't tell the size of a frame or something else follows the frames; None if
        the file ends within the header of a frame.
    """
    header = _line(file, 0)
    frame = _y4m_frame(header)
    end = len(header)
    while frame and end < size:
        line = _line(file, end)
        if end + len(line) == size and not line.endswith(b"\n") and line[:5] == b"FRAME"[: len(line)]:
            return None
        if not line.startswith(b"FRAME"):
            return 0
        end += len(line) + frame
    return end if frame else 0


def _y4m_frame(header: bytes) -> int:
    """Bytes of a frame; 0 if unknown."""
    options = {word[:1]: word[1:] for word in header.split()[1:]}
    if b"C" not in options and any(word.startswith(b"XYSCSS") for word in header.split()):
        return 0
    colours = _Y4M_COLOURS.fullmatch(options.get(b"C", b"420"))
    sides = [_Y4M_NUMBER.fullmatch(options.get(name, b"")) for name in (b"W", b"H")]
    if not colours or not all(sides):
        return 0
    wide, high = (int(side[0]) for side in sides if side)
    chroma = {
        b"420": -(-wide // 2) * -(-high // 2),
        b"422": -(-wide // 2) * high,
        b"411": -(-wide // 4) * high,
        b"444": wide * high,
        b"mono": 0,
    }[colours[1]]
    values = wide * high * (2 if colours[2] else 1) + 2 * chroma
    return values * (2 if int(colours[3] or 8) > 8 else 1)


def dv_size(file: BinaryIO, size: int) -> int:
    """End of the last frame of a DV file.

    Args:
        file: The file.
        size: Its size in bytes.

    Returns:
        The number of bytes; 0 if the file doesn't begin like DV.
    """
    head = _read(file, 0, 4)
    if len(head) < 4 or head[:3] != _DV_HEADER:
        return 0
    frame = _DV_FRAMES[head[3] >> 7]
    end = size // frame * frame
    rest = _read(file, end, len(_DV_HEADER))
    return end + frame if rest and _DV_HEADER.startswith(rest) else end


def _line(file: BinaryIO, place: int) -> bytes:
    file.seek(place)
    return file.readline(_LONGEST_Y4M_LINE)


def _read(file: BinaryIO, place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(count)
