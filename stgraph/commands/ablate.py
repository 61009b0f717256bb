"""``stgraph ablate [table=stgkd seeds=5 key=value ...]``: trains all rows and seeds of a table in parallel."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from stgraph.commands.arguments import ABLATE_KEYS, parser_of
from stgraph.commands.console.output import say
from stgraph.errors import DataError, StgraphError, WorkerError, WriteError
from stgraph.experiments import (
    Cell,
    Study,
    blocks_of,
    cell_path,
    load_cell,
    run_tasks,
    save_cell,
)
from stgraph.experiments.pages import load_cells, write_study
from stgraph.experiments.plan import (
    Plan,
    by_row,
    cell_name,
    plan_cells,
    seeds_of,
    study_of,
    tasks_of,
    unfinished,
    with_experiment,
)
from stgraph.experiments.run_cell import CellTask, run_cell
from stgraph.experiments.video_pairs import VideoPair, load_pairs, save_pairs, video_pairs
from stgraph.features.store.lock import WriterLock
from stgraph.quiet import quieten
from stgraph.settings.overrides import key_of
from stgraph.training.run_record import record_differences

__all__ = ["run"]

TOLERANCE = 1e-3  # largest accepted score difference between a cell and its repetition


def run(arguments: list[str]) -> int:
    """Runs ``stgraph ablate``; the exit status is 1 if a cell failed or a check found a different score."""
    given = parser_of("ablate").parse_args(arguments).settings
    own = [setting for setting in given if key_of(setting) in ABLATE_KEYS]
    study, config = study_of(own)
    if config.results is None:
        config.results = str(default_results())
    shared, of_rows = by_row([setting for setting in given if setting not in own], study)
    shared = with_experiment(shared, study.experiment)
    seeds = seeds_of(config.seeds)
    folder = Path(config.results) / study.name
    rows = study.chosen(None if config.rows is None else list(config.rows))
    say(f"{study.title}: {len(rows)} rows x {len(seeds)} seeds")
    planned = plan_cells(study, config, shared, rows, seeds, of_rows)
    if config.check:
        return _check(planned, config)
    with _only_sweep(planned, Path(config.results)):
        todo = unfinished(planned, config, need_runs=study.videos and config.replace)
        failed = _sweep(planned, todo, config)
        cells = study.with_branches(load_cells(Path(config.results), study))
        _write(study, cells, folder, _video_pairs(study, cells, config))
    say(f"Tables and figure: {folder / 'table.md'}, table.tex, figure.svg")
    for task, error in failed:
        say(f"failed: {task.row}, seed {task.seed}: {error}", error=True)
    if failed:
        return 1
    say(
        f"Next: stgraph words {Path(config.runs) / study.name}/*/* counts the words of these runs", error=True
    )
    return 0


def default_results() -> Path:
    """Returns ``benchmarks/results`` at the root of a checkout, and ``runs/results`` elsewhere."""
    committed = Path("benchmarks/results")
    return (
        committed if committed.is_dir() and Path("stgraph/configs/table").is_dir() else Path("runs/results")
    )


@contextmanager
def _only_sweep(planned: Plan, results: Path) -> Iterator[None]:
    """Locks the cells of a sweep, so that no other runs one of them; sweeps of other cells may run at the same time.

    Raises:
        WorkerError: If another process runs one of the cells.
    """
    with ExitStack() as locks:
        for task in planned.values() if os.name == "posix" else ():
            path = cell_path(results, task.table, task.row, task.seed)
            busy = f"Cell {cell_name(task)} is being run"
            locks.enter_context(WriterLock(path.with_name(f".{path.name}.lock"), busy, WorkerError))
        yield


def _sweep(planned: Plan, todo: list[CellTask], config: DictConfig) -> list[tuple[CellTask, StgraphError]]:
    tasks = tasks_of(planned, todo)
    failed, start, done = [], time.monotonic(), 0
    for task, answer in run_tasks(run_cell, tasks, **_workers(config)):
        done += 1
        if isinstance(answer, StgraphError):
            failed.append((task.arguments, answer))
            continue
        try:
            save_cell(Path(config.results), answer)
        except (StgraphError, OSError) as error:  # the run is kept: the same command scores it again
            failed.append((task.arguments, WriteError(str(error))))
            continue
        score = answer.scores[answer.tested]["CIDEr"]
        seconds = time.monotonic() - start
        left = seconds / done * (len(tasks) - done)
        say(
            f"{done}/{len(tasks)} {task.name}: {answer.tested} CIDEr {100 * score:.1f} ({answer.split}), "
            f"{sum(answer.seconds.values()):.0f} s; {seconds / 60:.0f} min, {left / 60:.0f} left",
            flush=True,
        )
    return failed


def _workers(config: DictConfig) -> dict[str, Any]:
    gpus = torch.cuda.device_count()
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    jobs = config.jobs or gpus or max(1, processors // config.threads)
    devices = [str(gpu) for gpu in range(gpus)]
    return {"jobs": jobs, "threads": config.threads, "devices": devices, "begin": quieten}


def _video_pairs(study: Study, cells: dict[str, dict[int, Cell]], config: DictConfig) -> list[VideoPair]:
    """Compares rows over test videos, if the study asks for it, and saves the comparisons beside the tables."""
    if not study.videos:
        return []
    path = Path(config.results) / study.name / "videos.json"
    pairs, missing = video_pairs(study, cells, Path(config.runs), load_pairs(path))
    if missing:
        say(
            f"Not compared over test videos, as their runs are not in {config.runs}/{study.name}: {', '.join(missing)}; add "
            "replace=true to train them again.",
            error=True,
        )
    if pairs:
        save_pairs(path, pairs)
    return pairs


def _write(study: Study, cells: dict[str, dict[int, Cell]], folder: Path, pairs: list[VideoPair]) -> None:
    if not cells:
        return
    write_study(study, cells, folder, pairs)
    blocks = blocks_of(study, cells, pairs)
    say()
    for block in blocks[: 3 if pairs else 2]:
        widths = [max(len(row[k]) for row in (block.columns, *block.rows)) for k in range(len(block.columns))]
        for row in (block.columns, *block.rows):
            say("  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip())
        say()


def _check(planned: Plan, config: DictConfig) -> int:
    """Repeats cells in a temporary folder and compares every score."""
    worst = 0.0
    other: dict[str, None] = {}  # differences of machine and packages, each once
    with tempfile.TemporaryDirectory() as folder:
        fresh = {}
        for (row, seed), task in planned.items():
            there = load_cell(cell_path(Path(config.results), task.table, row, seed))
            if there is None:
                raise DataError(
                    f"Cell {cell_name(task)} does not exist, so it cannot be checked; run it first."
                )
            if (there.settings_hash, there.data_hash) != (task.settings_hash, task.data_hash):
                raise DataError(
                    f"Cell {cell_name(task)} was made with other settings or data, so it cannot be compared; run its "
                    "table again."
                )
            moved = tuple(
                f"{key_of(setting)}={folder}/{task.row if key_of(setting) == 'run' else Path(setting).parent.name}/{seed}"
                if key_of(setting) in ("run", "start", "teacher")
                else setting
                for setting in task.overrides
            )
            fresh[row, seed] = CellTask(task.table, row, seed, moved, task.settings_hash, task.data_hash)
        for done, answer in run_tasks(run_cell, tasks_of(fresh, list(fresh.values())), **_workers(config)):
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
            other.update(dict.fromkeys(record_differences(there.record, answer.record)))
            say(f"{done.name}: largest difference {gaps[name]:.2g} ({name})")
    say(f"{'agrees' if worst <= TOLERANCE else 'DIFFERS'}: largest {worst:.2g}, allowed {TOLERANCE:g}")
    if worst > TOLERANCE and other:
        say(f"Recorded with another environment: {'; '.join(other)}.")
    return 0 if worst <= TOLERANCE else 1
