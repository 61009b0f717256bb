"""Checks of a file before FFmpeg opens it: that it is a regular file, as long as its header says, and within the limits.

FFmpeg reads a file that was cut off without a word if its container stores frames one after the other, so the lengths that
containers declare are compared with the file here.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from stgraph.errors import DataError, MissingDataError
from stgraph.limits import Limits
from stgraph.regular_files import kind_of
from stgraph.video.mp4_samples import claimed_samples
from stgraph.video.mp4_size import is_mp4, mp4_size
from stgraph.video.stream_sizes import dv_size, program_stream_size, transport_stream_size, y4m_size

__all__ = ["check_file", "declared_size"]

_AVI_SLACK = 9
"""Some writers count a chunk's own header in its length, and omit the last padding byte."""

_UNKNOWN_SIZES = (0, 0xFFFFFFFF)
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_EBML_HEADER, _MATROSKA_SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_MXF_PARTITION = bytes.fromhex("060e2b34020501010d01020101")
_LARGEST_OGG_PAGE = 65_307
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_JPEG_TAIL = 1 << 20


def check_file(path: Path) -> None:
    """Checks that a path is a complete regular file; devices, pipes and sockets are not opened.

    Args:
        path: The file; links are followed.

    Raises:
        MissingDataError: If there is nothing at the path.
        DataError: If it is not a regular file, is empty or unreadable, shorter than its header says, or claims more frames
            than :class:`~stgraph.limits.Limits` allow.
    """
    try:
        facts = os.stat(path)
    except FileNotFoundError:
        raise MissingDataError(f"There is no video at {path}; check the path.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is not readable ({error}); check the path and its permissions.") from error
    if not stat.S_ISREG(facts.st_mode):
        raise DataError(f"{path} is {kind_of(facts.st_mode)} and not a video file; leave it out.")
    if facts.st_size == 0:
        raise DataError(f"{path} is empty (0 bytes); download it again.")
    try:
        with path.open("rb") as file:
            declared = declared_size(file, facts.st_size)
            claimed = claimed_samples(file, facts.st_size) if is_mp4(file) else 0
    except PermissionError as error:
        raise DataError(f"{path} is not readable; change its permissions.") from error
    except OSError as error:
        raise DataError(f"{path} is not readable ({error.strerror}); check the disk.") from error
    Limits.current().check("max_frames", claimed, path, "its header claims")
    if declared is None:
        raise DataError(
            f"{path} is truncated: its {facts.st_size} bytes end within a frame; download it again."
        )
    if declared > facts.st_size:
        raise DataError(
            f"{path} is truncated: it has {facts.st_size} of {declared} bytes; download it again."
        )


def declared_size(file: BinaryIO, size: int) -> int | None:
    """Returns the number of bytes that a file needs to be complete by its own structure.

    Args:
        file: The file, open at its beginning.
        size: Its size in bytes.

    Returns:
        The number of bytes; 0 if the container doesn't tell; None if the file ends within an element of unknown size.
    """
    head = file.read(4096)
    if head[:4] == b"RIFF" and head[8:11] == b"AVI":
        return _avi_size(file, size)
    if is_mp4(file):
        return mp4_size(file, size)
    if head[:4] == _EBML_HEADER:
        return _matroska_size(head)
    if head[:16] == _ASF_HEADER:
        return _asf_size(head)
    if head[:13] == _MXF_PARTITION:
        return _mxf_size(head) + 1
    if head[:3] == b"FLV":
        return _flv_size(file, size)
    if head[:3] == b"GIF":
        return _size_if(_tail(file, size, 4096).rstrip(b"\0")[-1:] == b";", size)
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return _size_if(b"IEND" in _tail(file, size, 4096), size)
    if head[:4] == b"OggS":
        return _ogg_size(file, size)
    if head[:3] == _JPEG_START + b"\xff":
        tail = _tail(file, size, _JPEG_TAIL)
        return _size_if(tail.rfind(_JPEG_END) > tail.rfind(_JPEG_START), size)
    if head[:10] == b"YUV4MPEG2 ":
        return y4m_size(file, size)
    return dv_size(file, size) or transport_stream_size(file, size) or program_stream_size(file, size)


def _size_if(complete: bool, size: int) -> int | None:
    return size if complete else None


def _tail(file: BinaryIO, size: int, count: int) -> bytes:
    file.seek(max(0, size - count))
    return file.read(count)


def _avi_size(file: BinaryIO, size: int) -> int:
    """End of the last RIFF chunk; large files have several. A recording that was never finished doesn't tell."""
    end = 0
    while end + 8 <= size:
        file.seek(end)
        header = file.read(8)
        length = int.from_bytes(header[4:], "little")
        if header[:4] != b"RIFF" or length in _UNKNOWN_SIZES:
            break
        end += 8 + length + length % 2
    return size if size < end <= size + _AVI_SLACK else end


def _mxf_size(head: bytes) -> int:
    """Start of the footer, from the partition at the start; a file that was never finished doesn't tell."""
    length = head[16]
    start = 17 + (length & 0x7F if length & 0x80 else 0)
    return int.from_bytes(head[start + 24 : start + 32], "big")


def _matroska_size(head: bytes) -> int:
    """End of the segment; a live recording doesn't tell."""
    start = head.find(_MATROSKA_SEGMENT)
    if start < 0:
        return 0
    first = head[start + 4]
    width = 9 - first.bit_length()
    field = head[start + 4 : start + 4 + width]
    if not 1 <= width <= 8 or len(field) < width:
        return 0
    largest = (1 << 7 * width) - 1
    length = int.from_bytes(field, "big") & largest
    return 0 if length == largest else start + 4 + width + length


def _asf_size(head: bytes) -> int:
    """The size in the file properties, unless they say that it was broadcast."""
    start = head.find(_ASF_FILE_PROPERTIES)
    if start < 0 or len(head) < start + 92 or head[start + 88] & 1:
        return 0
    return int.from_bytes(head[start + 40 : start + 48], "little")


def _flv_size(file: BinaryIO, size: int) -> int | None:
    """The last four bytes are the length of the last tag; the tag's own header must repeat it."""
    length = int.from_bytes(_tail(file, size, 4), "big")
    start = size - 4 - length
    if length < 11 or start < 13:
        return None
    file.seek(start + 1)
    return _size_if(int.from_bytes(file.read(3), "big") + 11 == length, size)


def _ogg_size(file: BinaryIO, size: int) -> int | None:
    """End of the last page, whose header lists the lengths of its segments."""
    tail = _tail(file, size, 2 * _LARGEST_OGG_PAGE)
    start = tail.rfind(b"OggS")
    if start < 0 or start + 27 > len(tail):
        return None
    count = tail[start + 26]
    lengths = tail[start + 27 : start + 27 + count]
    if len(lengths) < count:
        return None
    return size - len(tail) + start + 27 + count + sum(lengths)
