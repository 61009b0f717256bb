"""Ten frames of a long video by seeking, compared with decoding all of it: ``python -m benchmarks.speed.reading``."""

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


def write_video(path: Path, frames: list[np.ndarray]) -> None:
    """Ten minutes of H.264 in its common settings: a key frame at most every 250 frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "ultrafast", "g": "250", "bf": "2"}
        ready = [
            av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv420p") for frame in frames
        ]
        for number in range(FPS * SECONDS):
            frame = ready[number % len(ready)]
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, help="folder of clips to loop; generated pictures without it")
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.mp4"
        write_video(path, pictures(chosen.clips))
        assert np.array_equal(by_number(path), decode_all(path)), "other frames"
        plain, ours = seconds(decode_all, path, chosen.repeats), seconds(by_number, path, chosen.repeats)
    result = {
        "work": f"{FRAMES} frames of {SECONDS} s of {WIDTH} x {HEIGHT} H.264, {FPS} frames a second",
        "pictures": "real clips" if chosen.clips else "generated",
        "decode_all_s": round(plain, 3),
        "by_number_s": round(ours, 3),
        "times_as_fast": round(plain / ours, 1),
        **run_record(0),
    }
    OUT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
