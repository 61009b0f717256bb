"""The frames of a video as the programs ``ffmpeg`` and ``ffprobe`` give them, and how ``VideoReader`` compares."""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stgraph.video import VideoReader
from stgraph.video.orientation import display_matrix

__all__ = ["Difference", "Shown", "compare", "shown_by_ffmpeg"]

PACKED = {"rgb24": 3, "bgra": 4, "bgr0": 4, "rgba": 4}
"""Bytes per pixel of formats with one plane."""

TIME_ERROR = 2e-3
RGB_FRAMES = 12
RGB_ERROR = 2.0
"""Median difference in levels of RGB over the pixels of a frame: versions of swscale differ at edges of colours."""


@dataclass(frozen=True)
class Shown:
    """Frames as ``ffmpeg`` writes them.

    Args:
        times: Seconds from the first frame.
        digests: MD5 of each frame in the pixel format that was decoded.
        rgb: The first frames as shown, turned and in RGB.
        counted: Number of frames that ``ffprobe -count_frames`` gives.
        all_timed: Whether the file gives a time for each frame.

    Shapes: times ``[F]``, rgb ``[min(F, RGB_FRAMES), H, W, 3]``.
    """

    times: np.ndarray
    digests: list[str]
    rgb: np.ndarray
    counted: int
    all_timed: bool


@dataclass(frozen=True)
class Difference:
    """What differs between ``VideoReader`` and ``ffmpeg`` for a file; empty texts if nothing does."""

    frames: int
    problems: tuple[str, ...]


def shown_by_ffmpeg(path: Path) -> Shown:
    """Runs ``ffmpeg`` and ``ffprobe`` on a file."""
    common = ["-an", "-sn", "-dn", "-vsync", "passthrough", "-enc_time_base", "1/90000"]
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "frames"
        rgb = [*common, "-frames:v", str(RGB_FRAMES), "-pix_fmt", "rgb24", "-f", "rawvideo"]
        table = _run(["ffmpeg", "-i", str(path), *common, "-f", "framemd5", "-", *rgb, str(raw)]).decode()
        pixels = np.fromfile(raw, np.uint8)
    rows = [line.split(",") for line in table.splitlines() if not line.startswith("#")]
    width, height = table.split("#dimensions 0: ")[1].split()[0].split("x")
    stamps = np.array([int(row[2]) for row in rows]) / 90_000
    entries = [
        "-show_entries",
        "frame=stream_index,best_effort_timestamp",
        "-select_streams",
        "v",
        "-of",
        "json",
    ]
    probed: dict[str, Any] = json.loads(_run(["ffprobe", *entries, str(path)]))
    frames = [frame for frame in probed["frames"] if "stream_index" in frame]
    counts = Counter(frame["stream_index"] for frame in frames)
    return Shown(
        stamps - stamps[0],
        [row[5].strip() for row in rows],
        pixels.reshape(-1, int(height), int(width), 3),
        len(rows) if len(rows) in counts.values() else max(counts.values()),
        all("best_effort_timestamp" in frame for frame in frames),
    )


def compare(path: Path, *, jumps: int = 14, seed: int = 0) -> Difference:
    """Compares counts, times, and pictures: all in order, then some backwards, then some at random.

    Args:
        path: The file.
        jumps: Number of frames to read backwards, and again at random.
        seed: Chooses the random ones.
    """
    shown = shown_by_ffmpeg(path)
    problems: list[str] = []
    with VideoReader(path) as video:
        count = len(shown.digests)
        if not video.num_frames == count == shown.counted:
            problems.append(f"{video.num_frames} frames, ffmpeg {count}, ffprobe {shown.counted}")
            return Difference(video.num_frames, tuple(problems))
        step = float(np.median(np.diff(shown.times))) if count > 1 else 0.0
        error = float(np.abs(video.times.numpy() - shown.times).max())
        if error > (TIME_ERROR if shown.all_timed else step):
            problems.append(f"times differ by up to {error:.3f} s")
        random = np.random.default_rng(seed)
        video._cursor._kept = None  # frames of short videos are kept when these are opened; find them again
        orders = [
            range(count),
            range(count - 1, -1, -max(1, count // jumps)),
            random.permutation(count)[:jumps],
        ]
        for order in orders:
            wrong = [n for n in order if not _same(video._cursor.frame(int(n)), shown.digests[n])]
            if wrong:
                problems.append(
                    f"other pictures for {len(wrong)} of {len(order)} frames, such as {wrong[:4]}"
                )
        picked = list(range(len(shown.rgb)))
        ours = video.read(picked).numpy()
        if ours.shape[1:] != shown.rgb.shape[1:]:
            problems.append(f"size {ours.shape[1:3]}, ffmpeg {shown.rgb.shape[1:3]}")
        else:
            off = np.median(np.abs(ours.astype(int) - shown.rgb[picked].astype(int)), axis=(1, 2, 3))
            if off.max() > RGB_ERROR:
                problems.append(f"RGB differs by {off.max():.1f} levels")
    return Difference(count, tuple(problems))


def _same(frame: Any, digest: str) -> bool:
    """Compares the rows of a frame's planes with ``ffmpeg``'s, unless it is to be turned: ``ffmpeg`` turned it already."""
    if not np.array_equal(display_matrix(frame), np.eye(2)):
        return True
    width = PACKED.get(frame.format.name, 2 if frame.format.name.endswith("le") else 1)
    content = hashlib.md5()
    for plane in frame.planes:
        rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[
            : plane.height, : plane.width * width
        ]
        content.update(rows.tobytes())
    return content.hexdigest() == digest


def _run(command: list[str]) -> bytes:
    quiet = [command[0], "-v", "fatal", *(["-nostdin"] if command[0] == "ffmpeg" else []), *command[1:]]
    return subprocess.run(quiet, check=True, capture_output=True, timeout=120).stdout
