"""Cost of ``experiment=stgkd_msvd``: seconds per step, waiting for data, validation, memory.

``python -m benchmarks.speed.msvd_schedule --captions FILE [--splits FOLDER] [--steps N | --epoch]``. Features are random
numbers of MSVD's shape for all 1,970 videos; captions are the true ones or, without ``--captions``, made-up ones of the
same counts. The run is that of ``stgraph train experiment=stgkd_msvd`` with paths, one epoch cut to N batches, and
Lightning's own profiler; validation captions all 100 videos by both branches and scores them.

The waiting time of a step is the time in which the training loop asks for the next batch. Steps are counted after the first
five. Seconds of an epoch are seconds per step x steps of an epoch + one validation, and not run in full unless ``--epoch``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.profilers import SimpleProfiler

from stgraph.datasets import pair_batches, read_msvd_captions
from stgraph.datasets.corpus.official_splits import OFFICIAL
from stgraph.datasets.corpus.summary import PUBLISHED
from stgraph.features import Detections, ExtractorRecord, FeatureStore, FeatureStoreWriter, VideoFeatures
from stgraph.settings.compose import compose, plain
from stgraph.settings.training import training_config
from stgraph.training import run_record, train

# Pan et al., section 4.3. MSVD's clips take 2 to 60 seconds, 10 on average; here each frame has all its boxes.
SHAPE = {"num_frames": 10, "appearance": 2048, "motion": 1024, "boxes": 5, "object": 2048}
FPS, CLIP = 25, 16
SIZE = (240, 320)
WARM_UP = 5
WORDS = ["a", "man", "woman", "dog", "is", "playing", "eating", "cutting", "riding", "the", "guitar", "on"]


class StepProfiler(SimpleProfiler):
    """Lightning's profiler, which also records when each step began."""

    def __init__(self) -> None:
        super().__init__()
        self.began: list[float] = []

    def start(self, action_name: str) -> None:
        super().start(action_name)
        if action_name.endswith(".train_dataloader_next"):
            self.began.append(self.current_actions[action_name])


def random_video(video_id: str, seed: int) -> VideoFeatures:
    draw = torch.Generator().manual_seed(seed)
    frames, boxes = SHAPE["num_frames"], SHAPE["num_frames"] * SHAPE["boxes"]
    file_frames = seconds_of(video_id) * FPS
    clips = max(1, file_frames // CLIP)
    index = ((torch.arange(frames) + 0.5) * file_frames / frames).long()
    corner = torch.rand(boxes, 2, generator=draw) * 100

    def rows(count: int, width: int) -> torch.Tensor:
        return torch.randn(count, width, generator=draw).half()

    return VideoFeatures(
        id=video_id,
        size=SIZE,
        frame_index=index,
        frame_time=index / FPS,
        fps=FPS,
        file_frames=file_frames,
        appearance=rows(frames, SHAPE["appearance"]),
        motion=rows(clips, SHAPE["motion"]),
        clip_start=torch.arange(clips) * CLIP,
        detections=Detections(
            boxes=torch.cat([corner, corner + 5 + torch.rand(boxes, 2, generator=draw) * 100], dim=1),
            scores=0.5 + torch.rand(boxes, generator=draw) / 2,
            features=rows(boxes, SHAPE["object"]),
            frame=torch.arange(frames).repeat_interleave(SHAPE["boxes"]),
            num_frames=frames,
            size=SIZE,
        ),
    )


def seconds_of(video_id: str) -> int:
    """MSVD's names end in the seconds where the clip starts and ends."""
    *_, start, end = video_id.split("_")
    return int(end) - int(start)


def write_store(path: Path, ids: list[str]) -> None:
    records = {
        name: ExtractorRecord("random", "none", {}, {"width": SHAPE[name]})
        for name in ("appearance", "motion", "object")
    }
    with FeatureStoreWriter(path, extractors=records) as writer:
        for seed, video_id in enumerate(ids):
            writer.add(random_video(video_id, seed))


def made_up_captions(path: Path) -> None:
    """As many videos and captions as MSVD has, under names like its own and in its official order."""
    draw = random.Random(0)
    captions: dict[str, list[str]] = {}
    for videos, count in PUBLISHED["msvd"].values():
        for place in range(videos):
            own = count // videos + (place < count % videos)
            name = f"{len(captions):011}_0_{2 + place % 17}"
            captions[name] = [" ".join(draw.choices(WORDS, k=draw.randint(4, 12))) for _ in range(own)]
    path.write_text(json.dumps(captions))


def measure(work: Path, settings: list[str], steps: int) -> dict[str, Any]:
    """Trains and returns the profiler's figures."""
    profiler = StepProfiler()
    with tempfile.TemporaryDirectory(dir=work) as run:
        start = time.perf_counter()
        config = compose(
            "train", ["experiment=stgkd_msvd", *settings, f"run={run}/run", "trainer.max_epochs=1"]
        )
        chosen = training_config(config)
        trainer = {**chosen.trainer, "profiler": profiler}
        if steps:
            trainer["limit_train_batches"] = steps
        train(chosen.model_copy(update={"trainer": trainer}))
        whole = time.perf_counter() - start
    seconds: dict[str, list[float]] = {}
    for name, values in profiler.recorded_durations.items():
        seconds.setdefault(name.rpartition(".")[2], []).extend(values)
    each = [after - before for before, after in pairwise(profiler.began[WARM_UP:])]
    waits = seconds["train_dataloader_next"][WARM_UP : WARM_UP + len(each)]
    names = ("val_next", "validation_step", "on_validation_epoch_end")
    validation = {name: sum(seconds[name]) for name in names}
    return {
        "steps_measured": len(each),
        "seconds_a_step": {
            "median": statistics.median(each),
            "mean": statistics.mean(each),
            "slowest": max(each),
        },
        "milliseconds_of_waiting_a_step": 1000 * statistics.median(waits),
        "share_of_waiting": sum(waits) / sum(each),
        "seconds_a_validation": {**validation, "sum": sum(validation.values())},
        "seconds_of_the_whole_command": whole,
        "memory": memory(),
    }


def memory() -> dict[str, float | str]:
    """Peak resident memory in GB. It includes pages of the store that are mapped and can be reclaimed."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found: dict[str, float | str] = {"peak_gb": peak / (2**30 if sys.platform == "darwin" else 2**20)}
    status = Path("/proc/self/status")
    if status.is_file():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        found |= {
            f"{name}_gb_at_the_end": int(fields[name].split()[0]) / 2**20 for name in ("RssAnon", "RssFile")
        }
    if torch.cuda.is_available():
        found["peak_gpu_gb"] = torch.cuda.max_memory_allocated() / 2**30
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--captions", type=Path, help="MSVD's captions; without them, made-up ones")
    parser.add_argument("--splits", type=Path, help="lists of the splits; without them, the official ones")
    parser.add_argument("--work", type=Path, help="where the store of 0.5 GB is kept for another time")
    parser.add_argument("--steps", type=int, default=60, help="batches of the one epoch that is run")
    parser.add_argument("--epoch", action="store_true", help="run the whole epoch")
    parser.add_argument("--threads", type=int, help="of torch; by default all cores")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/speed/msvd_schedule.json"))
    parser.add_argument("settings", nargs="*", help="further settings, such as data.cache=true")
    options = parser.parse_intermixed_args()
    if not options.epoch and options.steps < WARM_UP + 2:
        parser.error(f"--steps must be at least {WARM_UP + 2}, as the first {WARM_UP} are a warm-up")
    if options.threads:
        torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        result = run(work, options)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


def run(work: Path, options: argparse.Namespace) -> dict[str, object]:
    captions = options.captions or work / "made_up_captions.json"
    if options.captions is None:
        made_up_captions(captions)
    corpus = read_msvd_captions(captions, options.splits or OFFICIAL)
    store = work / "store.h5"
    widths = {name: SHAPE[name] for name in ("appearance", "motion", "object")}
    if (
        not store.exists()
        or FeatureStore(store).widths != widths
        or sorted(FeatureStore(store).ids) != corpus.ids()
    ):
        store.unlink(missing_ok=True)
        # In a process of its own, whose memory is not that of training.
        making = multiprocessing.get_context("spawn").Process(target=write_store, args=(store, corpus.ids()))
        making.start()
        making.join()
        if making.exitcode != 0:
            sys.exit(f"The store at {store} could not be written; see the error above.")
    settings = [f"data.dataset.store={store}", f"data.dataset.captions={captions}", *options.settings]
    if options.splits is not None:
        settings.append(f"data.dataset.splits={options.splits}")
    loader = plain(compose("train", ["experiment=stgkd_msvd", *settings]).data.loader)
    del loader["num_workers"]
    steps = len(pair_batches([len(corpus.captions(video)) for video in corpus.ids("train")], **loader))
    measured = measure(work, settings, 0 if options.epoch else options.steps)
    step, validation = measured["seconds_a_step"]["mean"], measured["seconds_a_validation"]["sum"]
    return {
        "command": "stgraph train experiment=stgkd_msvd",
        "further_settings": options.settings,
        "captions": "MSVD" if options.captions else "made up",
        "videos": len(corpus),
        "shape": SHAPE,
        "store_gb": store.stat().st_size / 2**30,
        **measured,
        "epoch": {
            "steps": steps,
            "minutes": (step * steps + validation) / 60,
            "how": "seconds a step x steps + one validation, "
            + ("all run" if options.epoch else "not run in full"),
        },
        "cores": os.cpu_count(),
        **run_record(seed=0),
    }


if __name__ == "__main__":
    main()
