"""Where each frame of a video file is: times and key frames, read from its packets without decoding a picture."""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from stgraph.errors import DataError

__all__ = ["PacketIndex", "index_packets"]

# Formats that keep no time stamps: FFmpeg counts packets, and where frames are stored out of order it counts wrong.
WITHOUT_STAMPS = ("avi", "h264", "hevc", "m4v", "mpegvideo")


@dataclass(frozen=True)
class PacketIndex:
    """The frames of a file in the order in which they are shown.

    Args:
        pts: Time stamps, in the stream's units, increasing; or None where the file's are not to be trusted.
        keys: Positions among the frames of those from which decoding can begin.
        num_packets: Number of packets with a picture in them.

    Shapes: pts ``[F]``, keys ``[K]``.
    """

    pts: np.ndarray | None
    keys: np.ndarray
    num_packets: int

    def key_before(self, number: int) -> int:
        """Number of the last key frame at or before frame ``number``."""
        return int(self.keys[np.searchsorted(self.keys, number, side="right") - 1])


def index_packets(container: InputContainer, stream: VideoStream) -> PacketIndex:
    """Reads all packets of a stream; some milliseconds for a file of minutes.

    Time stamps are trusted, and frames found by them, where every packet has one of its own, the first one can be
    decoded from, and the format keeps stamps or has no need of them.

    Raises:
        DataError: If the stream ends within a packet, or before the number of frames that the file declares.
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
        raise DataError(f"the file is damaged behind frame {len(stamps)} ({error.strerror})") from error
    known = [stamp for stamp in stamps if stamp is not None]
    if stream.frames > len(stamps) and _ends_early(stream, known):
        raise DataError(f"the file is cut off: {len(stamps)} of {stream.frames} frames are there")
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
    """Whether the last frame stands well before the end; an AVI file also counts frames that it leaves out on purpose."""
    if stream.duration is None or len(stamps) < 2:
        return True
    spread = max(stamps) - min(stamps)
    return spread + 3 * spread / (len(stamps) - 1) < stream.duration
