"""Where an MP4 or MOV file ends by its boxes, fragments and their index."""

from __future__ import annotations

from typing import BinaryIO

__all__ = ["is_mp4", "mp4_size"]

_BOXES = (b"ftyp", b"styp", b"moov", b"mdat", b"moof", b"free", b"skip", b"wide", b"pnot", b"uuid")
_REFERENCE = 12
"""Bytes of an entry of a segment index."""


def is_mp4(file: BinaryIO) -> bool:
    """Whether a file begins with a box."""
    file.seek(4)
    return file.read(4) in _BOXES


def mp4_size(file: BinaryIO, size: int) -> int | None:
    """End of the last box, or of the last fragment that an index lists; what follows and isn't a box is ignored.

    Args:
        file: The file.
        size: Its size in bytes.

    Returns:
        The number of bytes; None if the file ends with the header of a fragment, whose data are missing.
    """
    starts: set[int] = set()
    listed: set[int] = set()
    end, kind = 0, b""
    while end + 8 <= size:
        file.seek(end)
        header = file.read(16)
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if not (kind in _BOXES or (end and kind.isalnum())):
            break
        starts.add(end)
        if length == 1:
            length = int.from_bytes(header[8:], "big")
        if length < 8:  # 0 means that the box goes to the end of the file
            break
        if kind == b"sidx":
            listed |= _ends_of_references(file, end, length)
        end += length
    if kind == b"moof" and end == size:
        return None
    inside = {place for place in listed if place <= size}
    if inside and inside <= starts | {end}:  # else another program changed the fragments and not their index
        return max(end, *listed)
    return end


def _ends_of_references(file: BinaryIO, start: int, length: int) -> set[int]:
    """Places where the fragments end that a segment index lists."""
    file.seek(start + 8)
    content = file.read(min(length - 8, 32 + _REFERENCE * 0xFFFF))
    width = 8 if content[:1] == b"\1" else 4
    place = 12 + 2 * width
    end = start + length + int.from_bytes(content[place - width : place], "big")
    ends = set()
    count = int.from_bytes(content[place + 2 : place + 4], "big")
    for entry in range(place + 4, min(len(content), place + 4 + _REFERENCE * count), _REFERENCE):
        end += int.from_bytes(content[entry : entry + 4], "big") & 0x7FFFFFFF
        ends.add(end)
    return ends
