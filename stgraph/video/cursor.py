"""Finds a frame by its number: seeks, recognizes where the seek led, decodes forward, and checks each frame's time stamp."""

from __future__ import annotations

from collections.abc import Iterator

from av.packet import Packet
from av.video.frame import VideoFrame

from stgraph.errors import DataError
from stgraph.video.index import FrameIndex, KeyPacket, decoded_index, packet_index
from stgraph.video.video_file import VideoFile

__all__ = ["FrameCursor"]

_KEYS_TO_TRY = 3
"""Key frames that are tried for a frame before the file is decoded from its start."""

_EARLIER = (1, 4, 16)
"""Numbers of key frames by which a seek aims earlier after it landed too late."""


class _LostError(Exception):
    """The position is not certain any more."""


class FrameCursor:
    """A position in a video file that moves to any frame.

    A key frame is recognized by the time stamp and the size of its packet, and each decoded frame by its time stamp; no
    position is taken on trust. If a frame is not found from the key frame before it, decoding starts at an earlier one, and
    in the end at the start of the file.

    Args:
        file: The file.
        index: Its frames.
        kept: All decoded frames, if they are kept.
    """

    def __init__(self, file: VideoFile, index: FrameIndex, kept: list[VideoFrame] | None = None) -> None:
        self.file, self.index, self._kept = file, index, kept
        self._first: VideoFrame | None = None
        self._frames: Iterator[tuple[int, VideoFrame]] | None = None
        self._next = 0  # number of the frame that is decoded next
        self._unusable: set[int] = set()  # places of key packets that didn't lead to their frames

    @classmethod
    def open(cls, file: VideoFile) -> FrameCursor:
        """Indexes a file and returns a cursor at its start.

        Args:
            file: The file, open at its start.

        Raises:
            DataError: If the file is damaged, truncated, or has no frames.
        """
        index = packet_index(file)
        if index is not None:
            cursor = cls(file, index)
            if cursor._ends_are_decodable():
                return cursor
        return cls(file, *decoded_index(file))

    def close(self) -> None:
        """Drops the decoder's position, which refers to this cursor and would keep the decoder's threads alive with it."""
        self._frames = None

    def frame(self, number: int) -> VideoFrame:
        """Decodes a frame.

        Args:
            number: Its number, from 0.

        Raises:
            DataError: If the frame cannot be decoded, or its position cannot be verified.
        """
        if self._kept is not None:
            return self._kept[number]
        nearest = self._usable_key(self.index.key_before(number))
        near = nearest is None or self.index.keys[nearest].first <= self._next
        if self._frames is not None and self._next <= number and near:
            try:
                return self._forward(number)
            except _LostError:
                pass
        for _ in range(_KEYS_TO_TRY):
            if nearest is None or self.index.keys[nearest].first == 0:
                break
            try:
                self._go_to(nearest)
                return self._forward(number)
            except _LostError:
                self._unusable.add(nearest)
                nearest = self._usable_key(nearest)
        self._go_to_start()
        try:
            return self._forward(number)
        except _LostError:
            raise DataError(
                f"{self.file.path}: frame {number} of {len(self.index)} cannot be decoded; the file is damaged."
            ) from None

    def first_frame(self) -> VideoFrame:
        """Decodes the first frame, if it isn't decoded already.

        Raises:
            DataError: As in :meth:`frame`.
        """
        if self._first is None:
            self._first = self.frame(0)
        return self._first

    def _usable_key(self, place: int | None) -> int | None:
        """Place of the last usable key packet up to ``place``."""
        while place is not None and place in self._unusable:
            place = place - 1 if place else None
        return place

    def _forward(self, number: int) -> VideoFrame:
        try:
            for found, frame in self._frames or ():
                self._next = found + 1
                if found == number:
                    return frame
                if found > number:
                    break
        except DataError as error:
            raise _LostError from error
        finally:
            if self._next != number + 1:
                self._frames = None
        raise _LostError

    def _go_to_start(self) -> None:
        self.file.reopen()
        self._frames, self._next = self._numbered(self.file.packets(), None), 0

    def _go_to(self, place: int) -> None:
        """Seeks to a key frame; where a container seeks too late, it is sought from earlier and earlier."""
        keys = self.index.keys
        key = keys[place]
        aims = [key.pts, key.pts if key.dts is None else key.dts]
        aims += [keys[max(0, place - earlier)].pts for earlier in _EARLIER]
        for aim in dict.fromkeys(aims):
            try:
                self.file.seek(aim)
                packets = self._packets_from(key)
            except DataError:
                continue
            if packets is not None:
                self._frames, self._next = self._numbered(packets, key), key.first
                return
        self._frames = None
        raise _LostError

    def _packets_from(self, key: KeyPacket) -> Iterator[Packet] | None:
        """Skips packets up to a key packet; returns it and those after it, or None if the present position is past it."""
        packets = self.file.packets()
        for packet in packets:
            if packet.size and packet.is_keyframe:
                if packet.pts == key.pts and packet.size == key.size:
                    return _with_first(packet, packets)
                if packet.pts is not None and packet.pts > key.pts:
                    return None
        return None

    def _numbered(self, packets: Iterator[Packet], key: KeyPacket | None) -> Iterator[tuple[int, VideoFrame]]:
        """Decodes packets and yields frames with their numbers, from ``key`` or, without one, from the start of the file.

        After a seek, frames shown before the key frame are dropped, as they need frames before it, and the first one
        left must be the expected one.
        """
        last = -1 if key is None else None
        for packet in packets:
            for frame in self.file.decode(packet):
                if key is not None and frame.is_corrupt:
                    raise _LostError
                if last is None and key is not None:
                    if frame.pts is None or frame.pts < key.pts:
                        continue
                    if self.index.numbers.get(frame.pts) != key.first:
                        raise _LostError
                    last = key.first
                else:
                    last = self._number(frame, -1 if last is None else last)
                yield last, frame

    def _number(self, frame: VideoFrame, last: int) -> int:
        """Number of a frame that was decoded after frame ``last``: by its time stamp, or by counting if it has none."""
        following = last + 1
        if following < len(self.index) and self.index.stamps[following] == frame.pts:
            return following
        number = None if frame.pts is None else self.index.numbers.get(frame.pts)
        if number is None or number < following:
            raise _LostError
        return number

    def _ends_are_decodable(self) -> bool:
        """Whether the frames that the packets promise come out of the decoder, at the start and after the last key frame."""
        last = range(self.index.keys[-1].first, len(self.index)) if self.index.keys else range(0)
        try:
            if self.file.is_broadcast:
                for number in last:
                    self.frame(number)
            self.first_frame()
        except DataError:
            return False
        return True


def _with_first(first: Packet, packets: Iterator[Packet]) -> Iterator[Packet]:
    yield first
    yield from packets
