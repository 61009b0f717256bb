"""Counts the pictures that a packet of encoded video shows, from its headers alone."""

from __future__ import annotations

__all__ = ["ONE_PICTURE", "SEEKABLE_CODECS", "shows_one_picture"]

# fmt: off
ONE_PICTURE = frozenset((
    "av1", "dnxhd", "ffv1", "h264", "hevc", "huffyuv", "ffvhuff", "mjpeg", "mpeg1video", "mpeg2video", "prores", "rawvideo",
    "utvideo", "vvc",
))
"""Codecs whose packets each hold one picture that is shown, if the container stores or splits them as it should."""

SEEKABLE_CODECS = ONE_PICTURE | frozenset((
    "flv1", "h263", "mpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "theora", "vc1", "vp6", "vp6f", "vp8", "vp9", "wmv1",
    "wmv2", "wmv3",
))
"""Codecs whose key frames do not depend on earlier frames; GIF, for one, marks frames that do."""
# fmt: on

_MPEG4_PICTURE = b"\x00\x00\x01\xb6"
_EMPTY_MPEG4_PICTURE = 16


def shows_one_picture(codec: str, data: bytes) -> bool:
    """Whether a packet certainly shows exactly one picture; False if it may show none or several, or nothing is known.

    VP8 and VP9 have hidden pictures that later ones refer to; an MPEG-4 packet can hold two pictures, or one without
    content that stands for a picture of the packet before.

    Args:
        codec: FFmpeg's name of the codec.
        data: The packet.
    """
    if codec in ONE_PICTURE or not data:
        return codec in ONE_PICTURE
    if codec == "vp8":
        return bool(data[0] & 0x10)
    if codec == "vp9":
        return sum(_vp9_shows(header) for header in _vp9_headers(data)) == 1
    if codec == "mpeg4":
        return len(data) > _EMPTY_MPEG4_PICTURE and data.count(_MPEG4_PICTURE) == 1
    return False


def _vp9_headers(data: bytes) -> list[int]:
    """First bytes of the pictures in a packet; several pictures are followed by an index of their sizes."""
    marker = data[-1]
    count, width = (marker & 7) + 1, ((marker >> 3) & 3) + 1
    length = 2 + count * width
    if marker & 0xE0 != 0xC0 or len(data) < length or data[-length] != marker:
        return [data[0]]
    sizes = [
        int.from_bytes(data[k : k + width], "little")
        for k in range(len(data) - length + 1, len(data) - 1, width)
    ]
    starts = [sum(sizes[:k]) for k in range(count)]
    return [data[start] for start in starts if start < len(data)]


def _vp9_shows(header: int) -> bool:
    """Reads the first byte of a picture: two bits of marker, two of profile (three for profile 3), then flags."""
    shift = 1 if header >> 4 & 3 == 3 else 0
    shows_existing, shown = header >> (3 - shift) & 1, header >> (1 - shift) & 1
    return bool(shows_existing or shown)
