"""Counts the samples that the header of an MP4 or MOV file claims, for which FFmpeg would allocate memory at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

__all__ = ["claimed_samples"]

_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf")
_DEPTH = 6


class _Box(NamedTuple):
    kind: bytes
    start: int  # of its content
    end: int


def claimed_samples(file: BinaryIO, size: int) -> int:
    """Returns the largest number of samples that one track, or all fragments together, claim.

    Uncompressed sound has one sample per value, which FFmpeg reads in chunks, and is not counted.

    Args:
        file: The file.
        size: Its size in bytes.
    """
    most = fragments = 0
    for box in _boxes(file, 0, size):
        if box.kind == b"moov":
            tracks = (inner for inner in _boxes(file, box.start, box.end) if inner.kind == b"trak")
            most = max([most, *(_samples_of_track(file, track) for track in tracks)])
        elif box.kind == b"moof":
            fragments += sum(_number(file, run, 4) for run in _inside(file, box) if run.kind == b"trun")
    return max(most, fragments)


def _samples_of_track(file: BinaryIO, track: _Box) -> int:
    tables = {box.kind: box for box in _inside(file, track)}
    is_sound = b"hdlr" in tables and _read(file, tables[b"hdlr"].start + 8, 4) == b"soun"
    steps = tables.get(b"stts")
    # One entry, each sample one unit of time long.
    if is_sound and steps and _number(file, steps, 4) == 1 and _number(file, steps, 12) == 1:
        return 0
    counts = [_number(file, tables[kind], 8) for kind in (b"stsz", b"stz2") if kind in tables]
    return max(counts, default=0)


def _inside(file: BinaryIO, outer: _Box, depth: int = 0) -> Iterator[_Box]:
    for box in _boxes(file, outer.start, outer.end):
        yield box
        if box.kind in _PARENTS and depth < _DEPTH:
            yield from _inside(file, box, depth + 1)


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[_Box]:
    while start + 8 <= end:
        header = _read(file, start, 16)
        length, first = int.from_bytes(header[:4], "big"), 8
        if length == 1:
            length, first = int.from_bytes(header[8:], "big"), 16
        elif length == 0:  # to the end
            length = end - start
        if length < first:
            return
        yield _Box(header[4:8], start + first, min(end, start + length))
        start += length


def _number(file: BinaryIO, box: _Box, offset: int) -> int:
    return (
        int.from_bytes(_read(file, box.start + offset, 4), "big") if box.start + offset + 4 <= box.end else 0
    )


def _read(file: BinaryIO, place: int, count: int) -> bytes:
    file.seek(place)
    return file.read(count)
