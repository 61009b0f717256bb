"""An open video file: every call into FFmpeg for reading is made here, and its errors become those of stgraph."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from stgraph.errors import DataError, StgraphError
from stgraph.limits import Limits, variable
from stgraph.video.completeness import check_file

__all__ = ["VideoFile", "translated_errors"]

# fmt: off
_DEMUXERS = (
    "mov", "mp4", "m4a", "3gp", "3g2", "mj2", "matroska", "webm", "avi", "flv", "live_flv", "kux", "asf", "asf_o", "mpegts",
    "mpeg", "mpegvideo", "m4v", "h261", "h263", "h264", "hevc", "vvc", "av1", "obu", "ivf", "vc1", "vc1test", "mjpeg",
    "mjpeg_2000", "mpjpeg", "dirac", "dnxhd", "ogg", "nut", "gif", "apng", "webp", "mxf", "gxf", "yuv4mpegpipe", "dv", "rm",
    "swf", "wtv", "nsv", "nuv", "amv", "bink", "roq", "cavsvideo", "avs2", "avs3", "dhav", "ty", "png_pipe", "jpeg_pipe",
    "webp_pipe", "bmp_pipe", "tiff_pipe", "gif_pipe", "aac", "ac3", "eac3", "aiff", "amr", "ape", "au", "caf", "dts", "flac",
    "mp3", "w64", "wav", "wv", "tta", "opus",
)
# fmt: on
"""Demuxers that FFmpeg may choose: containers and streams, but no playlists or scripts, which name other files."""

_GENERATE_TIME_STAMPS = 0x1
"""Flag that PyAV sets on every container; ``ffmpeg`` does not, and made-up time stamps identify nothing."""

_DEFAULT_STREAM_AREA = 5_000_000
"""Pixels that ``ffmpeg`` adds to the area of a stream with the default flag when it picks the largest."""

_DECODING_BYTES = 1 << 27
"""Memory of the frames that FFmpeg's threads decode at the same time, one in each."""

_PIXEL_BYTES = 4

_BELOW = (
    av.error.FFmpegError,
    OSError,
    ValueError,
    RuntimeError,
    AssertionError,
    MemoryError,
    NotImplementedError,
    LookupError,
    ArithmeticError,
    TypeError,
)


@contextmanager
def translated_errors(path: Path, done: str) -> Iterator[None]:
    """Turns whatever PyAV and FFmpeg raise into a :class:`~stgraph.errors.DataError` that names the file.

    Args:
        path: The file.
        done: What cannot be done, such as "read as a video".

    Raises:
        DataError: If the body raises anything but errors of stgraph.
    """
    try:
        yield
    except StgraphError:
        raise
    except _BELOW as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DataError(f"{path} cannot be {done} ({reason}); is it damaged, or not a video?") from error


class VideoFile:
    """The main video stream of a file, as packets and as decoded frames.

    Of several streams it is the one that ``ffmpeg`` would pick: the largest, with the default flag as a large bonus. Cover
    pictures of audio files are not videos.

    Args:
        path: The file.

    Attributes:
        threads: The decoder's threads, from the next :meth:`reopen` on: "AUTO", or "NONE" for a damaged file, of whose end
            a decoder with threads may lose frames.
        refused_ends: How often the decoder failed when it was asked for its last frames, which are lost then.

    Raises:
        MissingDataError: If there is no such file.
        DataError: If the file is incomplete, not a video, has only audio, or FFmpeg lacks its decoder.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._limits = path, Limits.current()
        self._decoding = {"max_pixels": str(self._limits.max_pixels)}
        self._refused: Exception | None = None
        self.refused_ends = 0
        self.threads = "AUTO"
        check_file(path)
        self.reopen()

    def reopen(self) -> None:
        """Goes back to the start; seeking there fails in some containers."""
        self.close()
        with translated_errors(self.path, "read as a video"):
            # An absolute path: FFmpeg would take a leading dash or "http:" for an option or an address.
            self._container: InputContainer = av.open(
                str(self.path.absolute()),
                options=self._decoding,  # frames are decoded already here, to find out what the streams are
                container_options={
                    "format_whitelist": ",".join(_DEMUXERS),
                    "protocol_whitelist": "file",
                    "max_streams": str(self._limits.max_streams + 1),
                },
                metadata_errors="replace",
            )
            self._container.flags &= ~_GENERATE_TIME_STAMPS
            self._limits.check(
                "max_streams", len(self._container.streams), self.path, "it has", at_least=True
            )
            self._stream = self._main_stream()
            self._open_decoder()

    def _open_decoder(self) -> None:
        decoder = self._stream.codec_context
        size = decoder.width * decoder.height
        self._limits.check(
            "max_pixels", size, self.path, f"its frames of {decoder.width} x {decoder.height} have"
        )
        self._stream.thread_type = self.threads
        threads = _DECODING_BYTES // max(1, size * _PIXEL_BYTES)  # 16 for full HD, 1 for 8K
        if threads <= (os.cpu_count() or 1):  # by default FFmpeg starts one for each processor and one more
            decoder.thread_count = max(1, threads)
        decoder.options = self._decoding
        decoder.open()

    def close(self) -> None:
        """Closes the file; may be called twice."""
        if hasattr(self, "_container"):
            self._container.close()

    @property
    def codec(self) -> str:
        """FFmpeg's name of the codec."""
        return str(self._stream.codec_context.codec.canonical_name)

    @property
    def container(self) -> str:
        """FFmpeg's name of the container, such as "mov,mp4,m4a,3gp,3g2,mj2"."""
        return str(self._container.format.name)

    @property
    def is_broadcast(self) -> bool:
        """Whether the container is one of broadcasts, which may begin and end anywhere and whose clock may jump."""
        return self.container in ("mpegts", "mpeg")

    @property
    def duration(self) -> float:
        """Length of the file in seconds as its header says or FFmpeg estimates, of the longest stream; NaN if unknown."""
        return self._container.duration / 1e6 if self._container.duration else float("nan")

    @property
    def fields(self) -> bool:
        """Whether pictures may be stored as two fields in two packets."""
        return self._stream.codec_context.field_order > 1

    @property
    def reorders(self) -> bool:
        """Whether frames are stored in another order than they are shown."""
        return bool(self._stream.codec_context.has_b_frames)

    @property
    def rates(self) -> list[float]:
        """Frames per second: FFmpeg's guess from the stream, and the mean that the container says, if known."""
        rates = (self._stream.guessed_rate, self._stream.average_rate)
        return [float(rate) for rate in rates if rate]

    @property
    def time_unit(self) -> float:
        """Seconds per unit of the time stamps."""
        return float(self._stream.time_base or 1)

    def check_count(self, frames: int) -> None:
        """Checks a number of frames.

        Raises:
            DataError: If it is above the limit.
        """
        if frames > self._limits.max_frames:
            self._limits.check("max_frames", frames, self.path, "it has", at_least=True)

    def check_pace(self, last: float, frames: int) -> None:
        """Checks that frames follow one another in a plausible time.

        Args:
            last: Time of the last frame in seconds.
            frames: Number of frames.

        Raises:
            DataError: If the mean time per frame is above the limit.
        """
        seconds = max(last, self.duration if self.duration == self.duration else 0.0)
        what = f"its duration of {seconds:.0f} seconds with a number of frames of {frames} is"
        self._limits.check("max_seconds_per_frame", seconds / frames, self.path, what)

    def packets(self) -> Iterator[Packet]:
        """Yields the packets from the present position, then an empty one that makes the decoder give its last frames.

        Raises:
            DataError: If the container is damaged.
        """
        with translated_errors(self.path, "read to its end"):
            yield from self._demux(self._stream)

    def packets_with_ends(self) -> Iterator[tuple[Packet, float]]:
        """Yields the packets of all streams, each with the seconds from the file's start to its end; 0 if unknown.

        Raises:
            DataError: If the container is damaged.
        """
        start = (self._container.start_time or 0) / 1e6
        with translated_errors(self.path, "read to its end"):
            for packet in self._demux():
                stamp = packet.pts if packet.pts is not None else packet.dts
                end = (
                    0.0
                    if stamp is None
                    else float((stamp + (packet.duration or 0)) * packet.time_base) - start
                )
                yield packet, end

    def _demux(self, *streams: VideoStream) -> Iterator[Packet]:
        try:
            yield from self._container.demux(*streams)
        except IndexError:
            # After the last packets, PyAV looks for a stream that was first found while reading and that it never listed.
            return

    def is_main(self, packet: Packet) -> bool:
        """Whether a packet belongs to the main video stream."""
        return bool(packet.stream_index == self._stream.index)

    def decode(self, packet: Packet) -> list[VideoFrame]:
        """Decodes a packet; one that the decoder rejects gives no frames, as in players.

        Raises:
            DataError: If memory runs out, or the library below fails in another way.
        """
        try:
            with translated_errors(self.path, "decoded"):
                return self._decode(packet)
        except DataError as error:
            cause = error.__cause__
            if not isinstance(cause, av.error.FFmpegError) or isinstance(cause, MemoryError):
                raise
            self._refused = self._refused or cause
            self.refused_ends += not packet.size
            return []

    @property
    def refusal(self) -> str:
        """What may be the reason if no frame was decoded, as an addition to a message; empty if nothing is known."""
        if not isinstance(self._refused, av.error.ArgumentError):
            return ""
        limits = self._limits
        return (
            f"; if its pictures have more than {limits.max_pixels} pixels, raise the environment variable "
            f"{variable('max_pixels')}"
        )

    def _decode(self, packet: Packet) -> list[VideoFrame]:
        return self._stream.decode(packet)

    def seek(self, stamp: int) -> None:
        """Goes to a key frame near a time stamp, if the container can; the next packets tell where.

        Raises:
            DataError: If the container cannot seek.
        """
        with translated_errors(self.path, "sought in"):
            self._container.seek(stamp, stream=self._stream, backward=True)

    def _main_stream(self) -> VideoStream:
        covers = Disposition.attached_pic | Disposition.timed_thumbnails
        streams = [stream for stream in self._container.streams.video if not stream.disposition & covers]
        if not streams:
            types = {str(stream.type) for stream in self._container.streams if stream.type != "video"}
            types |= {"a cover picture"} if self._container.streams.video else set()
            raise DataError(
                f"{self.path} has no video stream, only {' and '.join(sorted(types, key=len)) or 'nothing'}; "
                "leave it out."
            )
        known = [stream for stream in streams if stream.codec_context is not None]
        if not known:
            raise DataError(
                f"{self.path}: the installed FFmpeg has no decoder for its video; convert it to H.264."
            )
        return max(known, key=_preference)


def _preference(stream: VideoStream) -> int:
    bonus = _DEFAULT_STREAM_AREA if stream.disposition & Disposition.default else 0
    return stream.codec_context.width * stream.codec_context.height + bonus
