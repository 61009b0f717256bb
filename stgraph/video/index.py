"""The frames of a video file: how many there are, their times, and where decoding can start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame

from stgraph.errors import DataError
from stgraph.video.frame_times import frame_times
from stgraph.video.pictures import ONE_PICTURE, SEEKABLE_CODECS, shows_one_picture
from stgraph.video.video_file import VideoFile

__all__ = ["FrameIndex", "KeyPacket", "decoded_index", "packet_index"]

_ONE_FRAME_PER_PACKET = ("avi", "flv", "matroska", "mov", "mpegts", "nut")
"""Containers that store, or that FFmpeg splits into, one packet per frame with its time stamp."""

_DECLARED_DURATIONS = ("flv", "asf", "rm", "wtv")
"""Containers whose header declares a duration while nothing else shows where the file should end."""

_LARGEST_REORDERING = 32
"""Frames by which a frame may be stored before or after its place; no codec reorders more than 16."""

_KEPT_BYTES = 128 << 20
"""Largest size of the decoded frames of a file that are kept."""

_TOLERATED_GAP = 1.0
"""Seconds by which a file may be shorter than its header declares."""


@dataclass(frozen=True)
class KeyPacket:
    """A packet at which decoding can start.

    Args:
        pts: Presentation time stamp.
        dts: Decoding time stamp; None if unknown.
        size: Number of bytes, by which the packet is recognized beside its time stamp.
        first: Number of the first frame that is complete when decoding starts here.
    """

    pts: int
    dts: int | None
    size: int
    first: int


@dataclass(frozen=True)
class FrameIndex:
    """The frames of a file in the order in which they are shown.

    Args:
        stamps: Time stamp that the decoder gives to each frame; None where it gives none.
        times: Seconds from the first frame to each frame.
        keys: Packets at which decoding can start, by the number of their first frame; empty if frames are found only by
            decoding from the start.
        numbers: Number of the frame of each time stamp; empty if time stamps are not distinct or not increasing.

    Shapes: times ``[F]``.
    """

    stamps: tuple[int | None, ...]
    times: np.ndarray
    keys: tuple[KeyPacket, ...]
    numbers: dict[int, int]

    def __len__(self) -> int:
        return len(self.stamps)

    def key_before(self, number: int) -> int | None:
        """Place in ``keys`` of the last key packet for reaching a frame."""
        count = int(np.searchsorted(self._firsts, number, side="right"))
        return count - 1 if count else None

    @cached_property
    def _firsts(self) -> np.ndarray:
        return np.array([key.first for key in self.keys], dtype=np.int64)


@dataclass
class _Packets:
    """What is remembered of a stream's packets, in the order in which they are stored."""

    pts: list[int | None] = field(default_factory=list)
    dts: list[int | None] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    keys: list[bool] = field(default_factory=list)
    discarded: list[bool] = field(default_factory=list)
    one_picture_each: bool = True
    corrupt: bool = False

    def add(self, packet: Packet, codec: str) -> None:
        self.pts.append(packet.pts)
        self.dts.append(packet.dts)
        self.sizes.append(packet.size)
        self.keys.append(packet.is_keyframe)
        self.discarded.append(packet.is_discard)
        self.corrupt = self.corrupt or packet.is_corrupt
        if self.one_picture_each and codec not in ONE_PICTURE:
            self.one_picture_each = shows_one_picture(codec, bytes(packet))


def packet_index(file: VideoFile) -> FrameIndex | None:
    """Indexes the frames of a file from its packets, in a few milliseconds for a file of several minutes.

    Args:
        file: The file, open at its start; it is open at its start again afterwards.

    Returns:
        The index; None if the packets don't show for certain which frames a decoder will give.

    Raises:
        DataError: If the file is damaged or truncated.
    """
    packets = _read_packets(file)
    file.reopen()
    stamps = [stamp for stamp, discarded in zip(packets.pts, packets.discarded, strict=True) if not discarded]
    if not stamps or not _shows_frames(file, packets):
        return None
    shown = sorted(stamp for stamp in stamps if stamp is not None)
    times = frame_times(shown, shown, file.rates, file.time_unit, jumps=file.is_broadcast)
    return _index(file, shown, times, packets)


def decoded_index(file: VideoFile) -> tuple[FrameIndex, list[VideoFrame] | None]:
    """Indexes the frames of a file by decoding all of it, for files whose packets don't show which frames they hold.

    Args:
        file: The file; it is open at its start afterwards.

    Returns:
        The index, and the frames if they are few and small enough to be kept, so that they need not be decoded again.

    Raises:
        DataError: If the file is damaged or has no frames.
    """
    file.reopen()
    packets, refused_ends = _Packets(), file.refused_ends
    stamps: list[int | None] = []
    decoding: list[int | None] = []
    frames: list[VideoFrame] | None = []
    kept = 0
    for packet in file.packets():
        if packet.size:
            packets.add(packet, file.codec)
        for frame in file.decode(packet):
            stamps.append(frame.pts)
            file.check_count(len(stamps))
            decoding.append(frame.dts)
            kept += sum(plane.buffer_size for plane in frame.planes)
            if frames is not None:
                frames.append(frame)
                frames = frames if kept <= _KEPT_BYTES else None
    whole = len(packets.pts) - sum(packets.discarded)
    lost = file.refused_ends > refused_ends or (packets.one_picture_each and len(stamps) < whole)
    if lost and file.threads == "AUTO":
        file.threads = "NONE"
        return decoded_index(file)
    file.reopen()
    if not stamps:
        raise DataError(f"{file.path} has no frames that can be decoded; leave it out{file.refusal}.")
    times = frame_times(stamps, decoding, file.rates, file.time_unit, jumps=file.is_broadcast)
    return _index(file, stamps, times, packets), frames


def _shows_frames(file: VideoFile, packets: _Packets) -> bool:
    """Whether the packets are certainly the frames: one each, recognizable by its time stamp, from the first one on."""
    if file.codec == "h264" and file.fields:
        return False
    if not _is(file, _ONE_FRAME_PER_PACKET) or (_is(file, ("avi",)) and file.reorders):
        return False
    if packets.corrupt or not packets.one_picture_each or not packets.keys[0]:
        return False
    known = [stamp for stamp in packets.pts if stamp is not None]
    if len(known) < len(packets.pts) or len(set(known)) < len(known) or known[0] != min(known):
        return False
    moved = np.argsort(known, kind="stable") - np.arange(len(known))
    decoding = [stamp for stamp in packets.dts if stamp is not None]
    return bool(np.abs(moved).max() <= _LARGEST_REORDERING and decoding == sorted(decoding))


def _index(file: VideoFile, stamps: Sequence[int | None], times: np.ndarray, packets: _Packets) -> FrameIndex:
    known = np.array([stamp for stamp in stamps if stamp is not None], dtype=np.int64)
    file.check_pace(float(times[-1]), len(times))
    if np.any(np.diff(known) <= 0):
        return FrameIndex(tuple(stamps), times, (), {})
    numbers = {stamp: number for number, stamp in enumerate(stamps) if stamp is not None}
    keys: dict[int, KeyPacket] = {}
    for pts, dts, size, is_key in zip(packets.pts, packets.dts, packets.sizes, packets.keys, strict=True):
        if not is_key or pts is None or (pts not in numbers and len(known) < len(stamps)):
            continue
        first = numbers.get(pts, int(np.searchsorted(known, pts)))
        if first < len(stamps):
            keys[first] = KeyPacket(pts, dts, size, first)
    seekable = file.codec in SEEKABLE_CODECS
    return FrameIndex(
        tuple(stamps), times, tuple(keys[first] for first in sorted(keys)) if seekable else (), numbers
    )


def _read_packets(file: VideoFile) -> _Packets:
    packets, last, codec = _Packets(), 0.0, file.codec
    try:
        for packet, end in (
            file.packets_with_ends() if _is(file, _DECLARED_DURATIONS) else _without(file.packets())
        ):
            last = max(last, end)
            if packet.size and file.is_main(packet):
                packets.add(packet, codec)
                file.check_count(len(packets.pts))
    except DataError as error:
        if error.__cause__ is None:  # a limit
            raise
        cause = getattr(error.__cause__, "strerror", None) or "it cannot be read"
        raise DataError(
            f"{file.path} is damaged or truncated after frame {len(packets.pts)} ({cause}); download it again."
        ) from error
    if packets.corrupt and not file.is_broadcast:
        raise DataError(f"{file.path} is damaged or truncated: a frame is incomplete; download it again.")
    if _is(file, _DECLARED_DURATIONS) and file.duration - last > _TOLERATED_GAP:
        raise DataError(
            f"{file.path} is truncated: it has {last:.1f} of {file.duration:.1f} seconds; download it again."
        )
    return packets


def _without(packets: Iterator[Packet]) -> Iterator[tuple[Packet, float]]:
    return ((packet, 0.0) for packet in packets)


def _is(file: VideoFile, containers: tuple[str, ...]) -> bool:
    return not set(containers).isdisjoint(file.container.split(","))
