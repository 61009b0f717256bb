"""One cell: a row on one split. Trained as ``stgraph train`` does, scored on the test part, kept with what it rests on."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

from omegaconf import DictConfig

from benchmarks.vrd.data import with_subjects
from stgraph import VideoGraphBuilder
from stgraph.datasets import StoredDataset, StoredGraphs
from stgraph.experiments.plan import data_hash
from stgraph.metrics import CaptionEvaluator, Evaluation
from stgraph.models import nearest_captions
from stgraph.quiet import quieten_lightning
from stgraph.settings.compose import compose
from stgraph.settings.identity import settings_hash, settings_that_matter
from stgraph.settings.training import open_data, train
from stgraph.training import run_record

NEAREST = "nearest_neighbour"
ALL = "data.num_frames=null"
SYSTEMS = {
    "stgkd_scene_branch": ("experiment=short_captions",),
    "stat_without_local": ("experiment=short_captions_stat",),
    "stats_without_regions": ("experiment=short_captions_stats",),
    "stgkd_scene_branch_all_frames": ("experiment=short_captions", ALL),
    "stat_without_local_all_frames": ("experiment=short_captions_stat", ALL),
    "stats_without_regions_all_frames": ("experiment=short_captions_stats", ALL),
}
"""Settings of ``stgraph train`` by row; all rows have the same splits."""


@dataclass(frozen=True)
class CellTask:
    """A row and a seed, the settings of the data, and the places of the run and the result."""

    row: str
    seed: int
    data: tuple[str, ...]
    run: Path
    result: Path

    def config(self) -> DictConfig:
        """Settings of the run; nearest neighbour uses those of the data alone."""
        own = [f"seed={self.seed}", f"run={self.run}", "trainer.enable_progress_bar=false"]
        return compose("train", [*SYSTEMS.get(self.row, ()), *self.data, *own])

    def hashes(self) -> dict[str, str]:
        """Hashes of everything that can change a score, paths excluded."""
        config = self.config()
        matter = settings_that_matter(config)
        del matter["data"]["dataset"]
        if self.row == NEAREST:
            matter = {"seed": self.seed}
        return {
            "settings_hash": settings_hash(matter),
            "data_hash": data_hash(open_data(config.data)),
        }

    def finished(self) -> bool:
        """Whether the cell exists and was made with these settings on these data."""
        if not self.result.is_file():
            return False
        content = json.loads(self.result.read_text())
        return all(content.get(name) == value for name, value in self.hashes().items())


def run_cell(task: CellTask) -> Path:
    """Trains, captions and scores, in a process of its own."""
    quieten_lightning()
    config = task.config()
    dataset = open_data(config.data)
    start = time.monotonic()
    references = dataset.corpus.references("test")
    if task.row == NEAREST:
        captions = nearest(dataset)
        found = Evaluation(dataset.name, "test", NEAREST, captions, CaptionEvaluator(references)(captions))
    else:
        shutil.rmtree(task.run, ignore_errors=True)  # of a run that was stopped; a new one takes a minute
        found = train(config).evaluate(dataset, "test")
    found = replace(found, scores=with_subjects(found.scores, found.captions, references))
    record = {
        "row": task.row,
        "overrides": list(SYSTEMS.get(task.row, ())),
        **task.hashes(),
        "seconds": round(time.monotonic() - start, 1),
        **run_record(task.seed),
    }
    task.result.parent.mkdir(parents=True, exist_ok=True)
    found.save(task.result.with_suffix(".part"), record)
    return task.result.with_suffix(".part").replace(task.result)


def nearest(dataset: StoredDataset) -> dict[str, str]:
    """The caption of the nearest training video by the mean of all its frames."""
    source = StoredGraphs(
        dataset.store, VideoGraphBuilder(max_objects=5, score_threshold=0.5), num_frames=None
    )
    train_captions = dataset.corpus.references("train")
    pooled = {split: {video: source.pooled_appearance(video) for video in dataset.corpus.ids(split)}
              for split in ("train", "test")}  # fmt: skip
    return nearest_captions(pooled["train"], train_captions, pooled["test"])
