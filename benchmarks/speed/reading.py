"""Ten frames of a long video by number, compared with decoding all of it: ``python -m benchmarks.speed.reading``.

The same H.264 streams in MP4, Matroska and a transport stream, and MPEG-4 in AVI, which holds no B-frames that can be found.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import av
import numpy as np

from stgraph.datasets.interactions import render_video
from stgraph.training import run_record
from stgraph.video import VideoReader, spread_frames

HEIGHT, WIDTH, FPS, SECONDS, FRAMES = 360, 640, 30, 600, 10
OUT = Path(__file__).parents[1] / "results" / "speed_reading.json"


def pictures(clips: Path | None) -> list[np.ndarray]:
    """Pictures to repeat: of real clips if there are any, else of generated videos."""
    found = []
    for path in sorted(clips.glob("*.avi"))[:5] if clips else ():
        with av.open(str(path)) as container:
            found += [
                frame.reformat(WIDTH, HEIGHT, "rgb24").to_ndarray() for frame in container.decode(video=0)
            ]
    if not found:
        small = np.concatenate([render_video(f"interactions-0-{index:06d}") for index in range(4)])
        found = list(small.repeat(3, axis=1).repeat(5, axis=2)[:, :HEIGHT, :WIDTH])
    return found


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


def seconds(function, path: Path, repeats: int) -> float:
    function(path)
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(path)
        spent.append(time.perf_counter() - start)
    return float(np.median(spent))


def compare(path: Path, repeats: int) -> dict[str, object]:
    """Times both ways, once their frames were compared."""
    equal = np.array_equal(by_number(path), decode_all(path))
    plain, ours = seconds(decode_all, path, repeats), seconds(by_number, path, repeats)
    return {
        "equal": equal,
        "decode_all_s": round(plain, 3),
        "by_number_s": round(ours, 3),
        "times_as_fast": round(plain / ours, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, help="folder of clips to loop; generated pictures without it")
    parser.add_argument("--folder", type=Path, help="keep the videos here and use those that are there")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        paths = {ending: folder / f"long.{ending}" for ending in ("mp4", "mkv", "ts", "avi")}
        if not all(path.exists() for path in paths.values()):
            frames = pictures(chosen.clips)
            # A key frame at most every 250 frames, as is common for H.264, and every 12 for MPEG-4.
            write_video(paths["mp4"], frames, "libx264", {"preset": "ultrafast", "g": "250", "bf": "2"})
            write_video(paths["avi"], frames, "mpeg4", {"g": "12"})
            for ending in ("mkv", "ts"):
                remux(paths["mp4"], paths[ending])
        compared = {ending: compare(path, chosen.repeats) for ending, path in paths.items()}
    result = {
        "work": f"{FRAMES} frames of {SECONDS} s of {WIDTH} x {HEIGHT}, {FPS} frames a second",
        "pictures": "real clips" if chosen.clips else "generated",
        "containers": compared,
        **run_record(0),
    }
    chosen.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
