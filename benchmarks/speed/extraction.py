"""Extraction of frame features, compared with a simple script, and with the backbone alone as the floor.

``python -m benchmarks.speed.extraction [--quick]`` prints the row as JSON. The simple script decodes each video from
beginning to end, preprocesses the frames that are needed and runs the backbone on them, one step after the other. The
backbone alone runs on preprocessed pictures in memory, which bounds the speed of any extraction. Features are checked equal
before.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import av
import torch
from torch import Tensor

from benchmarks.speed.measuring import Row, compare, run_alone
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
from stgraph.video import VideoReader, spread_frames, write_video

VIDEOS, FRAMES, BATCH, BACKBONE = 4, 10, 32, "resnet18"


def rows(quick: bool) -> list[Row]:
    """Four videos of 40 frames of 640 x 480, one reading thread."""
    with tempfile.TemporaryDirectory() as folder:
        write_videos(Path(folder), 2 if quick else VIDEOS)
        sources, _ = find_videos(Path(folder))
        planned = ExtractionPlan([ExtractorChoice(BACKBONE, {"weights": "random"})]).build()
        expected = plain(planned, sources)
        for name, value in ours(planned, sources).items():
            torch.testing.assert_close(value, expected[name], rtol=1e-4, atol=1e-4)
        return [
            compare(
                "extraction",
                f"{BACKBONE} features of {FRAMES} frames of each of {len(sources)} videos of 40 frames, 640 x 480; "
                "times are of one frame",
                lambda: ours(planned, sources),
                "decode each video completely, then extract",
                lambda: plain(planned, sources),
                rounds=1 if quick else 3,
                floor=(backbone_alone(planned, sources), "the backbone on pictures in memory"),
                per=FRAMES * len(sources),
            )
        ]


def write_videos(folder: Path, count: int) -> None:
    """Generated videos of 40 frames of 640 x 480."""
    for index in range(count):
        name = f"interactions-0-{index:06d}"
        video = render_video(name).repeat(4, axis=1)[:, :480].repeat(5, axis=2)
        write_video(folder / f"{name}.mp4", video, 10)


def backbone_alone(planned: PlannedExtractors, sources: Sequence[VideoSource]) -> float:
    """Processor seconds of all pictures at the faster of two batch sizes."""
    extractor = planned.extractors[0]
    items = []
    for source in sources:
        with VideoReader(source.path) as video:
            items += [
                extractor.preprocess(torch.from_numpy(picture)[None])
                for _, picture in video.frames(spread_frames(video.num_frames, FRAMES).tolist())
            ]
    found = []
    for size in (FRAMES, min(BATCH, len(items))):
        groups = [items[begin : begin + size] for begin in range(0, len(items), size)]
        extractor.extract(groups[0])
        begun = time.process_time()
        for group in groups:
            extractor.extract(group)
        found.append(time.process_time() - begun)
    return min(found)


def plain(planned: PlannedExtractors, sources: Sequence[VideoSource]) -> dict[str, Tensor]:
    """Decodes the whole video, preprocesses, extracts."""
    extractor, found = planned.extractors[0], {}
    for source in sources:
        with av.open(str(source.path)) as container:
            pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        wanted = spread_frames(len(pictures), FRAMES)
        items = [extractor.preprocess(torch.from_numpy(pictures[number])[None]) for number in wanted]
        found[source.id] = torch.stack([each["appearance"] for each in extractor.extract(items)])
    return found


def ours(
    planned: PlannedExtractors, sources: Sequence[VideoSource], threads: int = 1
) -> dict[str, torch.Tensor]:
    """The library's extraction without its store."""
    found = {}
    for video in extract_videos(sources, planned, threads=threads, batch_size=BATCH):
        assert not isinstance(video, Failure), video
        assert video.appearance is not None
        found[video.id] = video.appearance
    return found


if __name__ == "__main__":
    run_alone(rows, __doc__)
