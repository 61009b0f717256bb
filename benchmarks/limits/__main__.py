"""Measures the time and memory that it takes to refuse hostile files and to extract very large frames.

``python -m benchmarks.limits`` prints the tables of docs/limits.md; ``--quick`` leaves out the extractions, which take
minutes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.limits.folders import FOLDERS, write_model
from benchmarks.limits.hostile import VIDEOS, write
from stgraph.errors import StgraphError
from stgraph.models import load_model
from stgraph.models.model_folder import load_tokenizer
from stgraph.video import VideoReader, write_video

REFUSED = 3

NONE = ("appearance=none", "motion=none", "objects=none", "flow=none")
EXTRACTIONS = {
    "`motion=s3d`": ("motion=s3d", "motion.weights=random"),
    "`appearance=resnet101`, grid": ("appearance=resnet101", "appearance.weights=random", "appearance.grid=true"),
    "`motion=i3d`, grid": ("motion=i3d", "motion.weights=random", "motion.grid=true"),
    "`objects=faster_rcnn`": ("objects=faster_rcnn", "objects.weights=random", "frames.number=4"),
    "`objects=own_detector`": (
        "objects=own_detector",
        "objects.name=benchmarks.limits.detector.whole_frame",
        "objects.features_weights=random",
    ),
    "`flow=i3d_flow`": (
        "flow=i3d_flow",
        "flow.weights=random",
        "flow.flow_weights=random",
    ),
}  # fmt: skip


def measure(*command: str) -> tuple[float, float, int]:
    """Runs a command; returns its seconds, the peak of its memory in bytes, and its exit status."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return time.perf_counter() - begin, usage.ru_maxrss * 1024.0, process.returncode


def measure_reading(read: Callable[[Path], object], path: Path) -> tuple[float, float, bool]:
    """Reads a file in a forked process; returns its seconds, the peak of its memory in bytes, and if it was refused."""
    begin = time.perf_counter()
    process = os.fork()
    if not process:
        try:
            read(path)
            os._exit(0)
        except StgraphError:
            os._exit(REFUSED)
        finally:
            os._exit(1)
    _, status, usage = os.wait4(process, 0)
    return time.perf_counter() - begin, usage.ru_maxrss * 1024.0, os.waitstatus_to_exitcode(status) == REFUSED


def read_frame(path: Path) -> None:
    """Reads the first frame of a video."""
    with VideoReader(path) as video:
        video.read([0])


def load_folder(folder: Path) -> None:
    """Loads the model and the tokenizer of a folder."""
    load_model(folder)
    load_tokenizer(folder)


def refusals(good: Path, paths: dict[str, Path], read: Callable[[Path], object]) -> None:
    """Prints a table of hostile files, compared with a small good one."""
    usual, base, refused = measure_reading(read, good)
    assert not refused, "a good file is read"
    print("\n| file | bytes | seconds | MB |\n|---|---|---|---|")
    for name, path in paths.items():
        seconds, peak, refused = measure_reading(read, path)
        assert refused, f"{name} was not refused"
        more = max(0.0, seconds - usual), max(0.0, peak - base) / 1e6
        size = sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size
        print(f"| {name} | {size:,} | {more[0]:.2f} | {more[1]:.0f} |", flush=True)


def all_refusals(folder: Path) -> None:
    """Prints the tables of hostile videos and model folders."""
    good = write_video(folder / "good.mp4", np.zeros((3, 64, 64, 3), np.uint8))
    refusals(good, {name: write(name, folder) for name in VIDEOS}, read_frame)
    model = write_model(folder / "model")
    load_folder(model)  # imports what the forks share
    refusals(model, {name: change(model, folder) for name, change in FOLDERS.items()}, load_folder)


def extractions(folder: Path, chosen: str) -> None:
    """Prints a table of the peak memory of extractions."""
    inputs = {"7680 x 4320, 20 frames": _large(folder / "large"), "20000 x 1": _wide(folder / "wide")}
    print("\n| extractor | " + " | ".join(inputs) + " |\n|---|" + "---|" * len(inputs))
    for name, settings in EXTRACTIONS.items():
        if chosen not in name:
            continue
        peaks = []
        groups = {setting.partition("=")[0] for setting in settings}
        off = [setting for setting in NONE if setting.partition("=")[0] not in groups]
        for number, videos in enumerate(inputs.values()):
            store = folder / f"{len(peaks)}-{number}-{abs(hash(name))}.h5"
            command = [sys.executable, "-m", "stgraph", "extract", str(videos), str(store), *off, *settings]
            seconds, peak, status = measure(*command)
            assert status == 0, f"{name} of {videos} failed: {' '.join(command)}"
            peaks.append(f"{peak / 2**30:.2f} GiB, {seconds:.0f} s")
        print(f"| {name} | " + " | ".join(peaks) + " |", flush=True)


def _large(folder: Path) -> Path:
    folder.mkdir()
    source = "testsrc2=size=7680x4320:rate=10"
    options = ("-frames:v", "20", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    command = ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", source, *options]
    subprocess.run([*command, str(folder / "large.mp4")], check=True)
    return folder


def _wide(folder: Path) -> Path:
    folder.mkdir()
    frames = np.random.default_rng(0).integers(0, 255, (4, 1, 20_000, 3)).astype(np.uint8)
    write_video(folder / "wide.gif", frames, codec="gif")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only the refusals")
    parser.add_argument("--only", default="", help="extractors whose name contains this")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        all_refusals(Path(folder))
        if not chosen.quick:
            if shutil.which("ffmpeg") is None:
                parser.error("the large video is made by the program ffmpeg, which is not installed")
            extractions(Path(folder), chosen.only)


if __name__ == "__main__":
    main()
