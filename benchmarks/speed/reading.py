"""Ten frames of a long video by number, compared with decoding all of it.

``python -m benchmarks.speed.reading [--quick]`` prints the rows as JSON. The same H.264 stream in MP4, Matroska and a
transport stream, and MPEG-4 in AVI, whose B-frames cannot be found by number. Frames are checked equal before.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import av
import numpy as np

from benchmarks.speed.measuring import Row, compare, run_alone
from stgraph.datasets.interactions import render_video
from stgraph.video import VideoReader, spread_frames

HEIGHT, WIDTH, FPS, SECONDS, FRAMES = 360, 640, 30, 600, 10
PROMISES = {"mp4": 5.0}


def pictures() -> list[np.ndarray]:
    """Pictures of generated videos, to repeat."""
    small = np.concatenate([render_video(f"interactions-0-{index:06d}") for index in range(4)])
    return list(small.repeat(3, axis=1).repeat(5, axis=2)[:, :HEIGHT, :WIDTH])


def write_video(path: Path, frames: list[np.ndarray], codec: str, options: dict[str, str]) -> None:
    """Ten minutes of video."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = options
        ready = [
            av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv420p") for frame in frames
        ]
        for number in range(FPS * SECONDS):
            frame = ready[number % len(ready)]
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def remux(path: Path, target: Path) -> None:
    """Copies the packets of a video into another container."""
    with av.open(str(path)) as source, av.open(str(target), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)


def decode_all(path: Path) -> np.ndarray:
    """Frames by decoding the whole file."""
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        wanted = set(spread_frames(FPS * SECONDS, FRAMES).tolist())
        return np.stack(
            [
                frame.to_ndarray(format="rgb24")
                for number, frame in enumerate(container.decode(video=0))
                if number in wanted
            ]
        )


def by_number(path: Path) -> np.ndarray:
    """Frames by `VideoReader`."""
    with VideoReader(path) as video:
        return video.read(spread_frames(video.num_frames, FRAMES).tolist()).numpy()


def rows(quick: bool) -> list[Row]:
    """Each container; in the quick check MP4 alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = {ending: folder / f"long.{ending}" for ending in ("mp4", "mkv", "ts", "avi")}
        frames = pictures()
        # A key frame at most every 250 frames, as is common for H.264, and every 12 for MPEG-4.
        write_video(paths["mp4"], frames, "libx264", {"preset": "ultrafast", "g": "250", "bf": "2"})
        if quick:
            return [_row("mp4", paths["mp4"], decode_all(paths["mp4"]))]
        write_video(paths["avi"], frames, "mpeg4", {"g": "12"})
        for ending in ("mkv", "ts"):
            remux(paths["mp4"], paths[ending])
        h264 = decode_all(paths["mp4"])
        return [
            _row(ending, path, decode_all(path) if ending == "avi" else h264)
            for ending, path in paths.items()
        ]


def _row(ending: str, path: Path, expected: np.ndarray) -> Row:
    assert np.array_equal(by_number(path), expected), f"other frames of {ending}"
    return compare(
        f"reading, {ending}",
        f"{FRAMES} frames of {SECONDS // 60} minutes of {WIDTH} x {HEIGHT}, {FPS} frames a second",
        lambda: by_number(path),
        "decoding all of it",
        lambda: decode_all(path),
        rounds=2,
        promise=PROMISES.get(ending),
        warm=True,
    )


if __name__ == "__main__":
    run_alone(rows, __doc__)
