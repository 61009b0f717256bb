"""Loading against worker processes, stores against their size, extraction against reading threads.

``python -m benchmarks.speed.loading`` (Linux). Rates are of wall-clock time, so the machine should do nothing else. The
large store holds 100,000 short videos of narrow features; in each size it is opened in a process of its own. Writes
``loading.json`` and the tables of docs/speed.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.speed import extraction
from benchmarks.speed.feeding import PAPER, write_both
from benchmarks.speed.measuring import PAGE, RESULTS, device_name, replace_between
from stgraph import VideoGraphBuilder
from stgraph.datasets import CaptionCorpus, CaptionDataModule, VideoCaptions
from stgraph.extraction import ExtractionPlan, ExtractorChoice, Failure, extract_videos, find_videos
from stgraph.features import ExtractorRecord, FeatureStore, FeatureStoreWriter, VideoFeatures
from stgraph.files import write_text
from stgraph.training import run_record

SIZES = (1_000, 10_000, 100_000)
READS = 2_000
BEGIN, END = "<!-- figures of benchmarks.speed.loading -->", "<!-- end of the figures -->"
NETWORKS: dict[str, dict[str, Any]] = {"resnet101": {}, "i3d": {}, "faster_rcnn": {}}
WORKERS, THREADS, VIDEOS = (0, 1, 2), (1, 2, 4), 8
SENTENCES = 16


def of_workers(folder: Path, workers: tuple[int, ...]) -> list[dict[str, Any]]:
    """Videos a second that a training loader gives, graphs built, batches of four videos with 16 captions each."""
    write_both(folder)
    sentences = tuple(f"a man is doing the thing number {number}" for number in range(SENTENCES))
    corpus = CaptionCorpus(
        {video_id: VideoCaptions("train", sentences) for video_id in FeatureStore(folder / "store.h5").ids}
    )
    found = []
    for count in workers:
        data = CaptionDataModule.from_store(
            folder / "store.h5",
            corpus,
            builder=VideoGraphBuilder(max_objects=5),
            batch_size=64,
            captions_per_video=SENTENCES,
            num_workers=count,
        )
        seconds = []
        for _ in range(4):
            begun = time.perf_counter()
            batches = sum(1 for _ in data.train_dataloader())
            seconds.append(time.perf_counter() - begun)
        rate = PAPER["videos"] / statistics.median(seconds[1:])
        found.append({"workers": count, "videos_per_s": round(rate, 1), "batches": batches})
    return found


def of_sizes(folder: Path, sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Writing, opening and reading stores, and the memory that an open one takes."""
    found = []
    for size in sizes:
        path = folder / f"{size}.h5"
        begun = time.perf_counter()
        write_store(path, size)
        written = time.perf_counter() - begun
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            opened = pool.apply(opening, (path,))
        found.append(
            {
                "videos": size,
                "mib": round(path.stat().st_size / 2**20, 1),
                "seconds_to_write": round(written, 2),
                **opened,
            }
        )
        path.unlink()
    return found


def write_store(path: Path, size: int) -> None:
    """Videos of ten frames with 32 numbers each."""
    frames = torch.arange(10)
    appearance = torch.randn(1000, 10, 32).half()
    with FeatureStoreWriter(
        path, extractors={"appearance": ExtractorRecord("random", "random", {})}
    ) as writer:
        for number in range(size):
            writer.add(
                VideoFeatures(
                    id=f"video{number}",
                    size=(240, 320),
                    frame_index=frames * 12,
                    frame_time=frames * 0.4,
                    appearance=appearance[number % 1000],
                )
            )


def opening(path: Path) -> dict[str, float]:
    """Seconds to open a store, to read one random video, and the memory that it takes before and after."""
    torch.set_num_threads(1)
    before = _memory()
    begun = time.perf_counter()
    store = FeatureStore(path)
    opened = time.perf_counter() - begun
    begun = time.perf_counter()
    store[f"video{len(store) // 2}"]
    first, after_opening = time.perf_counter() - begun, _memory()
    draw, seconds = random.Random(0), []
    for _ in range(READS):
        name = f"video{draw.randrange(len(store))}"
        begun = time.perf_counter()
        store[name]
        seconds.append(time.perf_counter() - begun)
    return {
        "ms_to_open": round(1e3 * opened, 2),
        "ms_to_first_video": round(1e3 * first, 2),
        "us_of_a_random_video": round(1e6 * statistics.median(seconds), 1),
        "mib_of_an_open_store": round(after_opening - before, 1),
        "mib_after_reading": round(_memory() - before, 1),
    }


def _memory() -> float:
    """Memory of this process alone, without pages of files, in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def of_threads(folder: Path, threads: tuple[int, ...], videos: int) -> list[dict[str, Any]]:
    """Frames a second of extraction with ResNet-18, in which threads decode while the backbone computes."""
    extraction.write_videos(folder, videos)
    sources, _ = find_videos(folder)
    planned = ExtractionPlan([ExtractorChoice(extraction.BACKBONE, {"weights": "random"})]).build()
    extraction.ours(planned, sources[:1])
    found = []
    for count in threads:
        seconds = []
        for _ in range(3):
            begun = time.perf_counter()
            extraction.ours(planned, sources, count)
            seconds.append(time.perf_counter() - begun)
        rate = extraction.FRAMES * len(sources) / statistics.median(seconds)
        found.append({"threads": count, "frames_per_s": round(rate, 1)})
    return found


def of_networks(folder: Path, networks: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Processor seconds of one video of 40 frames, ten of which are kept, by each of the networks that STG-KD needs."""
    extraction.write_videos(folder, 1)
    sources, _ = find_videos(folder)
    found = []
    for name, settings in networks.items():
        planned = ExtractionPlan([ExtractorChoice(name, {"weights": "random", **settings})]).build()
        begun = time.process_time()
        for video in extract_videos(sources, planned, threads=1, batch_size=extraction.BATCH):
            assert not isinstance(video, Failure), video
        found.append({"network": name, "processor_s_of_a_video": round(time.process_time() - begun, 2)})
    return found


def tables(record: dict[str, Any]) -> str:
    """The three tables as Markdown."""
    parts = [
        (
            f"Batches of 64 pairs ({SENTENCES} captions a video), graphs built while loading, from a store of "
            f"{PAPER['videos']} videos that is in the memory of the system:",
            ("worker processes", "videos a second"),
            [(each["workers"], f"{each['videos_per_s']:.0f}") for each in record["workers"]],
        ),
        (
            f"A store of one file with ten frames of 32 numbers for each video; {READS:,} videos are read in random order:",
            (
                "videos",
                "size",
                "written in",
                "opened in",
                "first video",
                "a random video",
                "memory of an open store",
            ),
            [
                (
                    f"{each['videos']:,}",
                    f"{each['mib']:.0f} MiB",
                    f"{each['seconds_to_write']:.1f} s",
                    f"{each['ms_to_open']:.1f} ms",
                    f"{each['ms_to_first_video']:.1f} ms",
                    f"{each['us_of_a_random_video']:.0f} µs",
                    f"{each['mib_after_reading']:.1f} MiB",
                )
                for each in record["stores"]
            ],
        ),
        (
            f"Extraction by {extraction.BACKBONE}, {extraction.FRAMES} frames of each video of 640 x 480; the network "
            "computes in one thread while others decode:",
            ("reading threads", "frames a second"),
            [(each["threads"], f"{each['frames_per_s']:.1f}") for each in record["threads"]],
        ),
        (
            "The networks of STG-KD, ten frames of one video of four seconds (random weights), processor time of one "
            "thread:",
            ("network", "of a video"),
            [
                (f"`{each['network']}`", f"{each['processor_s_of_a_video']:.1f} s")
                for each in record["networks"]
            ],
        ),
    ]
    lines = [f"Measured on {record['device']}, commit {str(record['commit'])[:10]}.", ""]
    for text, heads, body in parts:
        lines += [text, "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
        lines += [f"| {' | '.join(map(str, row))} |" for row in body] + [""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the result")
    parser.add_argument("--quick", action="store_true", help="small, to see that it runs")
    options = parser.parse_args()
    torch.set_num_threads(1)
    quick = options.quick
    record: dict[str, Any] = {**run_record(seed=0), "device": device_name()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "workers").mkdir()
        record["workers"] = of_workers(folder / "workers", WORKERS[:2] if quick else WORKERS)
        record["stores"] = of_sizes(folder, SIZES[:1] if quick else SIZES)
        (folder / "videos").mkdir()
        record["threads"] = of_threads(
            folder / "videos", THREADS[:2] if quick else THREADS, 2 if quick else VIDEOS
        )
        (folder / "one").mkdir()
        record["networks"] = of_networks(
            folder / "one", {name: NETWORKS[name] for name in list(NETWORKS)[: 1 if quick else None]}
        )
    print(json.dumps(record, indent=1))
    options.out.mkdir(parents=True, exist_ok=True)
    write_text(options.out / "loading.json", json.dumps(record, indent=1) + "\n")
    if not quick:
        replace_between(PAGE, BEGIN, END, tables(record))


if __name__ == "__main__":
    main()
