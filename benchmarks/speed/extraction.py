"""Extraction compared with the backbone alone and with a simple script: ``python -m benchmarks.speed.extraction``.

The backbone alone runs on decoded pictures in memory, which bounds the speed of any extraction. The simple script
decodes each video from beginning to end, preprocesses the frames that are needed and runs the backbone on them, one
step after the other.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import torch

from stgraph.datasets.interactions import render_video
from stgraph.extraction import (
    ExtractionPlan,
    ExtractorChoice,
    Failure,
    PlannedExtractors,
    VideoSource,
    extract_videos,
    find_videos,
)
from stgraph.training import run_record
from stgraph.video import VideoReader, spread_frames, write_video

FRAMES, BATCH = 10, 32
OUT = Path(__file__).parents[1] / "results" / "speed_extraction.json"


def generated(folder: Path) -> Path:
    """Twenty videos of 40 frames of 640 x 480."""
    for index in range(20):
        name = f"interactions-0-{index:06d}"
        write_video(
            folder / f"{name}.mp4", render_video(name).repeat(4, axis=1)[:, :480].repeat(5, axis=2), 10
        )
    return folder


def backbone_alone(planned: PlannedExtractors, sources: Sequence[VideoSource]) -> tuple[float, int]:
    """Images per second at the faster of two batch sizes, and that batch size."""
    extractor = planned.extractors[0]
    items = []
    for source in sources:
        with VideoReader(source.path) as video:
            items += [
                extractor.preprocess(torch.from_numpy(picture)[None])
                for _, picture in video.frames(spread_frames(video.num_frames, FRAMES).tolist())
            ]
    rates = {}
    for size in (FRAMES, BATCH):
        extractor.extract(items[:size])
        groups = [items[begin : begin + size] for begin in range(0, len(items) - size + 1, size)]
        start = time.perf_counter()
        for group in groups:
            extractor.extract(group)
        rates[size] = size * len(groups) / (time.perf_counter() - start)
    best = max(rates, key=lambda size: rates[size])
    return rates[best], best


def plain(planned: PlannedExtractors, sources: Sequence[VideoSource]) -> dict[str, torch.Tensor]:
    """Decodes the whole video, preprocesses, extracts."""
    extractor, found = planned.extractors[0], {}
    for source in sources:
        with av.open(str(source.path)) as container:
            pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        wanted = spread_frames(len(pictures), FRAMES)
        items = [extractor.preprocess(torch.from_numpy(pictures[number])[None]) for number in wanted]
        found[source.id] = torch.stack([said["appearance"] for said in extractor.extract(items)])
    return found


def ours(planned: PlannedExtractors, sources: Sequence[VideoSource], threads: int) -> dict[str, torch.Tensor]:
    found = {}
    for video in extract_videos(sources, planned, threads=threads, batch_size=BATCH):
        assert not isinstance(video, Failure), video
        assert video.appearance is not None
        found[video.id] = video.appearance
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=Path, help="folder of clips; generated videos without it")
    parser.add_argument("--backbone", default="resnet101")
    parser.add_argument("--threads", type=int, default=1, help="that read")
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sources, _ = find_videos(chosen.clips or generated(Path(folder)))
        planned = ExtractionPlan([ExtractorChoice(chosen.backbone, {"weights": "random"})]).build()
        alone, plainly, piped = [], [], []
        for _ in range(chosen.repeats):
            rate, batch = backbone_alone(planned, sources)
            alone.append(rate)
            start = time.perf_counter()
            expected = plain(planned, sources)
            plainly.append(time.perf_counter() - start)
            start = time.perf_counter()
            found = ours(planned, sources, chosen.threads)
            piped.append(time.perf_counter() - start)
            for name, value in expected.items():
                torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-4)
    images = sum(len(value) for value in expected.values())
    rates = {
        "backbone_alone": float(np.median(alone)),
        "plain": images / float(np.median(plainly)),
        "extraction": images / float(np.median(piped)),
    }
    result = {
        "work": f"{len(sources)} videos, {FRAMES} frames each, {chosen.backbone}, 224 x 224, float32",
        "videos": "real clips" if chosen.clips else "generated",
        "images_per_s": {name: round(rate, 2) for name, rate in rates.items()},
        "batch_of_backbone_alone": batch,
        "share_of_backbone": round(rates["extraction"] / rates["backbone_alone"], 3),
        "times_as_fast_as_plain": round(rates["extraction"] / rates["plain"], 2),
        "reading_threads": chosen.threads,
        "torch_threads": torch.get_num_threads(),
        **run_record(0),
    }
    OUT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
