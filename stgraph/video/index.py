"""Index of a video file's frames: time stamps and key frames, read from its packets without decoding."""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from stgraph.errors import DataError

__all__ = ["PacketIndex", "index_packets"]

# Formats without time stamps: FFmpeg numbers their packets, which is wrong if frames are stored out of order.
WITHOUT_STAMPS = ("avi", "h264", "hevc", "m4v", "mpegvideo")


@dataclass(frozen=True)
class PacketIndex:
    """The frames of a file in display order.

    Args:
        pts: Time stamps in units of the stream's time base, increasing; None if those of the file are unreliable.
        keys: Numbers of the key frames, at which decoding can start.
        num_packets: F, the number of packets with a frame in them.

    Shapes: pts ``[F]``, keys ``[K]``.
    """

    pts: np.ndarray | None
    keys: np.ndarray
    num_packets: int

    def key_before(self, number: int) -> int:
        """Number of the last key frame at or before frame ``number``."""
        return int(self.keys[np.searchsorted(self.keys, number, side="right") - 1])


def index_packets(container: InputContainer, stream: VideoStream) -> PacketIndex:
    """Reads all packets of a stream; takes a few milliseconds for a file of several minutes.

    Time stamps are used if every packet has a distinct one, the first frame is a key frame, and the format either stores
    time stamps or stores its frames in display order.

    Raises:
        DataError: If the stream ends within a packet, or has fewer frames than the file declares.
    """
    stamps: list[int | None] = []
    keys: list[bool] = []
    try:
        for packet in container.demux(stream):
            if packet.size == 0:
                continue
            stamps.append(packet.pts)
            keys.append(packet.is_keyframe)
    except av.error.FFmpegError as error:
        raise DataError(f"the file is damaged after frame {len(stamps)} ({error.strerror})") from error
    known = [stamp for stamp in stamps if stamp is not None]
    if stream.frames > len(stamps) and _ends_early(stream, known):
        raise DataError(f"the file is truncated: it has {len(stamps)} of {stream.frames} frames")
    usable = len(known) == len(stamps) == len(set(known)) and len(stamps) > 0
    if not usable or (stream.codec_context.has_b_frames and container.format.name in WITHOUT_STAMPS):
        return PacketIndex(None, np.zeros(1, dtype=np.int64), len(stamps))
    order = np.argsort(known, kind="stable")
    pts = np.asarray(known, dtype=np.int64)[order]
    starts = np.flatnonzero(np.asarray(keys)[order])
    if len(starts) == 0 or starts[0] != 0:
        return PacketIndex(None, np.zeros(1, dtype=np.int64), len(stamps))
    return PacketIndex(pts, starts, len(stamps))


def _ends_early(stream: VideoStream, stamps: list[int]) -> bool:
    """Whether the last frame is well before the declared end; an AVI file also counts frames that it omits on purpose."""
    if stream.duration is None or len(stamps) < 2:
        return True
    spread = max(stamps) - min(stamps)
    return spread + 3 * spread / (len(stamps) - 1) < stream.duration
