"""Runs one cell of a sweep in its own process: trains a row with one seed, scores it and returns the cell."""

from __future__ import annotations

import csv
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from stgraph.experiments import Cell
from stgraph.files import write_text
from stgraph.metrics import CaptionEvaluator
from stgraph.pipeline import CaptionPipeline
from stgraph.quiet import quieten_lightning
from stgraph.settings.compose import compose
from stgraph.settings.training import open_data, train
from stgraph.training import lock_run, run_record
from stgraph.training.devices import device_of

__all__ = ["CellTask", "is_run_of", "run_cell"]

CHOSEN_ON, SPLIT = "val", "test"
BEST = {"val/CIDEr": max, "val/loss": min}
MARK = "cell.txt"  # file in a run folder that identifies its cell


@dataclass(frozen=True)
class CellTask:
    """Everything a process needs to run a cell: its names, the overrides of the run, and the identifying hashes."""

    table: str
    row: str
    seed: int
    overrides: tuple[str, ...]
    settings_hash: str
    data_hash: str


def run_cell(task: CellTask) -> Cell:
    """Trains the row, resuming an interrupted run, and scores all branches on the test split."""
    quieten_lightning()
    config = compose("train", task.overrides)
    folder = Path(config.run)
    start = time.monotonic()
    with lock_run(folder):
        config.resume = _begin(task, folder)
        if not (folder / "model.safetensors").is_file():  # the last file that a training writes
            train(config)
    trained = time.monotonic()
    dataset = open_data(config.data)
    captioner = CaptionPipeline.from_pretrained(folder, device=device_of("auto"))
    branches = captioner.model.branches
    val, test = (dataset.corpus.references(split) for split in (CHOSEN_ON, SPLIT))
    evaluator = CaptionEvaluator(test)
    evaluator.warm_up()
    quick = CaptionEvaluator(val, metrics=("BLEU-4", "CIDEr"))
    chosen = {
        branch: captioner.evaluate(dataset, CHOSEN_ON, branch, evaluator=quick).scores for branch in branches
    }
    found = {branch: captioner.evaluate(dataset, SPLIT, branch, evaluator=evaluator) for branch in branches}
    record = run_record(config.seed)
    scores = {}
    for branch, evaluation in found.items():
        evaluation.save(folder / evaluation.file_name, record)
        scores[branch] = {**evaluation.scores, **dataset.extra_scores(evaluation.captions, test)}
    epochs = _validations(folder, config.monitor)
    seconds = {"train": round(trained - start, 1), "evaluate": round(time.monotonic() - trained, 1)}
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return Cell(
        table=task.table,
        row=task.row,
        seed=task.seed,
        settings_hash=task.settings_hash,
        data_hash=task.data_hash,
        overrides=tuple(override for override in task.overrides if not override.startswith("run=")),
        dataset=dataset.name,
        split=SPLIT,
        chosen_on=CHOSEN_ON,
        tested=captioner.default_branch,
        videos=len(test),
        scores=scores,
        chosen={branch: dict(values) for branch, values in chosen.items()},
        epoch=BEST[config.monitor](epochs, key=lambda epoch: epochs[epoch])
        if epochs
        else config.trainer.max_epochs,
        epochs=max(epochs, default=config.trainer.max_epochs),
        seconds=seconds,
        record=record,
    )


def is_run_of(task: CellTask | Cell, folder: Path) -> bool:
    """Returns whether a folder holds the finished or partial run of this cell, with the same settings and data."""
    mark = folder / MARK
    return mark.is_file() and mark.read_text() == _mark(task)


def _begin(task: CellTask, folder: Path) -> bool:
    """Marks the folder as this cell's, deleting any other run in it; returns whether there is a run to resume."""
    if not is_run_of(task, folder):
        if folder.is_symlink():
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        write_text(folder / MARK, _mark(task))
    return (folder / "checkpoints" / "last.ckpt").is_file()


def _mark(task: CellTask | Cell) -> str:
    return f"settings {task.settings_hash}\ndata {task.data_hash}\n"


def _validations(folder: Path, monitor: str) -> dict[int, float]:
    """Returns the monitored value by epoch (from 1), read from all versions of the run's log."""
    found = {}
    for path in sorted(folder.glob("log/version_*/metrics.csv")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                if row.get(monitor):
                    found[int(row["epoch"]) + 1] = float(row[monitor])
    return found
