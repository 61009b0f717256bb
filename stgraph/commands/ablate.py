"""``stgraph ablate [table=stgkd seeds=5 key=value ...]``: rows x seeds of a table, in parallel, resumable."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from stgraph.commands.ablate_cell import CellTask, run_cell
from stgraph.commands.configuration import compose, plain
from stgraph.commands.quiet import quieten
from stgraph.commands.train import dataset_of, settings_that_matter
from stgraph.datasets import StoredDataset
from stgraph.errors import DataError, OptionError, StgraphError
from stgraph.experiments import (
    Cell,
    Study,
    Task,
    blocks_of,
    cell_path,
    draw_study,
    finished_cells,
    latex_table,
    load_cell,
    markdown_report,
    run_tasks,
    save_cell,
)

__all__ = ["run"]

OWN = ("table", "experiment", "rows", "seeds", "jobs", "threads", "results", "runs", "replace", "check")
TOLERANCE = 1e-3  # of a score, between a cell and the same run made again


def run(arguments: list[str]) -> int:
    """The command. Exit status 1 where a cell failed, or where a check found another score."""
    parser = argparse.ArgumentParser(
        prog="stgraph ablate",
        description="Run the rows of a table over seeds. A stopped sweep goes on by the same command.",
    )
    parser.add_argument("settings", nargs="*", metavar="key=value", help="such as table=stgkd seeds=5")
    given = parser.parse_args(arguments).settings
    own = [setting for setting in given if _key(setting) in OWN]
    config = compose("ablate", own)
    shared = [setting for setting in given if setting not in own]
    study = Study.parse(_table_name(own), plain(config.table))
    seeds = _seeds(config.seeds)
    folder = Path(config.results) / study.name
    rows = study.chosen(None if config.rows is None else list(config.rows))
    print(f"{study.title}: {len(rows)} rows x {len(seeds)} seeds")
    planned = _plan(study, config, shared, rows, seeds)
    if config.check:
        return _check(planned, config)
    todo = _unfinished(planned, config)
    failed = _sweep(planned, todo, config)
    cells = _cells(Path(config.results), study)
    _write(study, cells, folder)
    for task, error in failed:
        print(f"failed: {task.row}, seed {task.seed}: {error}", file=sys.stderr)
    print(f"Tables and figure: {folder / 'table.md'}, table.tex, figure.png")
    return 1 if failed else 0


def _key(setting: str) -> str:
    return setting.partition("=")[0].lstrip("+~")


def _table_name(own: list[str]) -> str:
    named = [setting.partition("=")[2] for setting in own if _key(setting) == "table"]
    return named[-1] if named else "stgkd"


def _seeds(value: Any) -> list[int]:
    seeds = list(range(value)) if isinstance(value, int) else list(value)
    if not seeds or not all(isinstance(seed, int) and seed >= 0 for seed in seeds):
        raise OptionError(f"'seeds' must be a number of seeds or a list such as [0,7], got {value}.")
    return sorted(set(seeds))


def _plan(
    study: Study, config: DictConfig, shared: list[str], rows: list[str], seeds: list[int]
) -> dict[tuple[str, int], CellTask]:
    """Every cell with its overrides and hashes; data sets are made or opened once each."""
    planned: dict[tuple[str, int], CellTask] = {}
    hashes: dict[str, str] = {}
    for seed in seeds:
        for row in rows:
            overrides = _overrides(study, config, shared, row, seed)
            composed = compose("train", overrides)
            key = json.dumps(plain(composed.data.dataset), sort_keys=True)
            if key not in hashes:
                hashes[key] = data_hash(dataset_of(composed.data))
            settings = settings_that_matter(composed)
            if composed.teacher is not None:  # a teacher is known by what it is, not by where it lies
                settings["teacher"] = [planned[need, seed].settings_hash for need in study.rows[row].needs]
            digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
            planned[row, seed] = CellTask(study.name, row, seed, tuple(overrides), digest[:16], hashes[key])
    return planned


def _overrides(study: Study, config: DictConfig, shared: list[str], row: str, seed: int) -> list[str]:
    run_of = lambda name: Path(config.runs) / study.name / name / str(seed)
    settings = list(study.rows[row].settings)
    for need in study.rows[row].needs:
        settings = [setting.replace(f"{{run:{need}}}", str(run_of(need))) for setting in settings]
    base = [f"experiment={config.experiment}", *study.settings, *shared]
    return [*base, f"seed={seed}", *settings, "trainer.enable_progress_bar=false", f"run={run_of(row)}"]


def data_hash(dataset: StoredDataset) -> str:
    """Of captions and splits, of who made the features, and of the features of 16 videos spread over the ids."""
    corpus, store = dataset.corpus, dataset.store
    ids = corpus.ids()
    digest = hashlib.sha256()
    for video in ids:
        digest.update(json.dumps([video, corpus[video].split, corpus.captions(video)]).encode())
    digest.update(repr(sorted(store.extractors.items())).encode())
    for video in ids[:: max(1, len(ids) // 16)]:
        features = store[video]
        boxes = features.detections
        for part in (features.appearance, features.motion, boxes and boxes.features, boxes and boxes.boxes):
            digest.update(b"-" if part is None else part.numpy().tobytes())
    return digest.hexdigest()[:16]


def _unfinished(planned: dict[tuple[str, int], CellTask], config: DictConfig) -> list[CellTask]:
    """Cells that are not there yet. A cell of another table that is the same run is taken over.

    Raises: OptionError: A cell was made with other settings or data, and ``replace`` is false.
    """
    results = Path(config.results)
    elsewhere = {(cell.settings_hash, cell.data_hash): cell for cell in finished_cells(results)}
    todo = []
    for (row, seed), task in planned.items():
        cell = load_cell(cell_path(results, task.table, row, seed))
        same = cell is not None and (cell.settings_hash, cell.data_hash) == (
            task.settings_hash,
            task.data_hash,
        )
        if cell is not None and not same and not config.replace:
            raise OptionError(
                f"{cell_path(results, task.table, row, seed)} was made with other settings or data "
                f"({' '.join(cell.overrides)}); choose another folder by results=..., or overwrite by replace=true."
            )
        if same:
            continue
        if twin := elsewhere.get((task.settings_hash, task.data_hash)):
            save_cell(results, twin.model_copy(update={"table": task.table, "row": row, "seed": seed}))
        else:
            todo.append(task)
    done = len(planned) - len(todo)
    print(f"{done} of {len(planned)} cells are there, {len(todo)} to run")
    return todo


def _sweep(
    planned: dict[tuple[str, int], CellTask], todo: list[CellTask], config: DictConfig
) -> list[tuple[CellTask, StgraphError]]:
    tasks = _tasks(planned, todo)
    failed, start, done = [], time.monotonic(), 0
    for task, answer in run_tasks(run_cell, tasks, **_workers(config)):
        done += 1
        if isinstance(answer, StgraphError):
            failed.append((task.arguments, answer))
            continue
        save_cell(Path(config.results), answer)
        score = answer.scores[answer.tested]["CIDEr"]
        seconds = time.monotonic() - start
        left = seconds / done * (len(tasks) - done)
        print(
            f"{done}/{len(tasks)} {task.name}: {answer.tested} CIDEr {100 * score:.1f} ({answer.split}), "
            f"{sum(answer.seconds.values()):.0f} s; {seconds / 60:.0f} min, {left / 60:.0f} left",
            flush=True,
        )
    return failed


def _tasks(planned: dict[tuple[str, int], CellTask], todo: list[CellTask]) -> list[Task]:
    """Tasks in order, with those finished ones again whose run folder others need and which is gone."""
    tasks: dict[str, Task] = {}

    def add(task: CellTask) -> None:
        needs = []
        for override in task.overrides:
            if override.startswith("teacher="):
                run_folder = Path(override.partition("=")[2])
                row = run_folder.parent.name
                if not (run_folder / "model.safetensors").is_file() or planned[row, task.seed] in todo:
                    add(planned[row, task.seed])
                    needs.append(_name(planned[row, task.seed]))
        tasks.setdefault(_name(task), Task(_name(task), task, tuple(needs)))

    for task in todo:
        add(task)
    return list(tasks.values())


def _name(task: CellTask) -> str:
    return f"{task.table}/{task.row}/{task.seed}"


def _workers(config: DictConfig) -> dict[str, Any]:
    gpus = torch.cuda.device_count()
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    jobs = config.jobs or gpus or max(1, processors // config.threads)
    devices = [str(gpu) for gpu in range(gpus)]
    return {"jobs": jobs, "threads": config.threads, "devices": devices, "begin": quieten}


def _cells(results: Path, study: Study) -> dict[str, dict[int, Cell]]:
    """All cells of a table that there are, whichever this call ran."""
    found: dict[str, dict[int, Cell]] = {}
    for row in study.rows:
        for path in (results / study.name / row).glob("*.json"):
            cell = load_cell(path)
            if cell is not None:
                found.setdefault(row, {})[cell.seed] = cell
    return found


def _write(study: Study, cells: dict[str, dict[int, Cell]], folder: Path) -> None:
    if not cells:
        return
    figure = draw_study(study, cells, folder / "figure.png")
    (folder / "table.md").write_text(markdown_report(study, cells, figure.name if figure else None))
    blocks = [latex_table(block) for block in blocks_of(study, cells)]
    (folder / "table.tex").write_text("\n\n".join(blocks) + "\n")
    print()
    for block in blocks_of(study, cells)[:2]:
        widths = [max(len(row[k]) for row in (block.columns, *block.rows)) for k in range(len(block.columns))]
        for row in (block.columns, *block.rows):
            print("  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip())
        print()


def _check(planned: dict[tuple[str, int], CellTask], config: DictConfig) -> int:
    """Runs cells anew in a folder that is thrown away, and compares every score."""
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        fresh = {}
        for (row, seed), task in planned.items():
            there = load_cell(cell_path(Path(config.results), task.table, row, seed))
            if there is None:
                raise DataError(f"There is no cell {_name(task)} to check; run it first.")
            if (there.settings_hash, there.data_hash) != (task.settings_hash, task.data_hash):
                raise DataError(
                    f"The cell {_name(task)} was made with other settings or data; nothing to compare."
                )
            moved = tuple(
                f"{_key(setting)}={folder}/{task.row if _key(setting) == 'run' else Path(setting).parent.name}/{seed}"
                if _key(setting) in ("run", "teacher")
                else setting
                for setting in task.overrides
            )
            fresh[row, seed] = CellTask(task.table, row, seed, moved, task.settings_hash, task.data_hash)
        for task, answer in run_tasks(run_cell, _tasks(fresh, list(fresh.values())), **_workers(config)):
            if isinstance(answer, StgraphError):
                raise answer
            there = load_cell(cell_path(Path(config.results), answer.table, answer.row, answer.seed))
            assert there is not None
            gaps = {
                f"{branch} {metric}": abs(value - there.scores[branch][metric])
                for branch, table in answer.scores.items()
                for metric, value in table.items()
            }
            name = max(gaps, key=lambda key: gaps[key])
            worst = max(worst, gaps[name])
            print(f"{task.name}: largest difference {gaps[name]:.2g} ({name})")
    print(f"{'agrees' if worst <= TOLERANCE else 'DIFFERS'}: largest {worst:.2g}, allowed {TOLERANCE:g}")
    return 0 if worst <= TOLERANCE else 1
