"""Plans a sweep: the overrides and hashes of every cell, and the cells that still have to be run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from stgraph.datasets import StoredDataset
from stgraph.errors import MissingDataError, OptionError
from stgraph.experiments import Study, Task, cell_path, finished_cells, load_cell, save_cell
from stgraph.experiments.run_cell import CellTask, is_run_of
from stgraph.settings.compose import compose, plain
from stgraph.settings.identity import settings_hash, settings_that_matter
from stgraph.settings.overrides import key_of, row_and_setting
from stgraph.settings.safe_yaml import read_yaml
from stgraph.settings.training import open_data

__all__ = [
    "Plan",
    "by_row",
    "cell_name",
    "data_hash",
    "plan_cells",
    "run_folder",
    "seeds_of",
    "study_of",
    "tasks_of",
    "unfinished",
    "with_experiment",
]

EARLIER = ("teacher", "start")
"""Settings whose value is a run that must be trained first."""

Plan = dict[tuple[str, int], CellTask]
"""Cells by row and seed."""


def study_of(own: list[str]) -> tuple[Study, DictConfig]:
    """Reads the requested table, from ``configs/table`` or a user's YAML file, and the settings of the sweep."""
    tables = [setting.partition("=")[2] for setting in own if key_of(setting) == "table"]
    name = tables[-1] if tables else "stgkd"
    if not name.endswith((".yaml", ".yml")):
        config = compose("ablate", own)
        return Study.parse(name, plain(config.table)), config
    path = Path(name)
    if not path.is_file():
        raise MissingDataError(f"There is no table at {path}; docs/ablation.md describes the format.")
    return Study.parse(path.stem, read_yaml(path)), compose(
        "ablate", [s for s in own if key_of(s) != "table"]
    )


def with_experiment(
    shared: list[str], experiment: str | Mapping[str, str] | None = "interactions_study"
) -> list[str]:
    """Prepends the experiment of a study or of one of its rows to settings, unless they already name one.

    Args:
        shared: The settings.
        experiment: The study's experiment, which is for generated data; or that of a row, by data set.

    Raises:
        OptionError: If there is no experiment for the chosen data, or one is given to rows that have their own.
    """
    given = {key_of(setting): setting.partition("=")[2] for setting in shared}
    if isinstance(experiment, Mapping):
        return [f"experiment={_experiment_for(given, experiment)}", *shared]
    if "experiment" in given or experiment is None:
        return shared
    if not given.get("data", "interactions").startswith("interactions"):
        raise OptionError(
            f"'data={given['data']}' needs an experiment that fits it, such as experiment=stgkd_paper; the default, "
            f"{experiment}, is for generated data."
        )
    return [f"experiment={experiment}", *shared]


def _experiment_for(given: Mapping[str, str], experiments: Mapping[str, str]) -> str:
    data = given.get("data", "interactions")
    name = "interactions" if data.startswith("interactions") else data
    if "experiment" in given:
        raise OptionError(
            f"'experiment={given['experiment']}' cannot be given to this table, whose rows have experiments of their own; "
            f"choose the data instead, such as data={list(experiments)[-1]}."
        )
    if name not in experiments:
        raise OptionError(
            f"'data={data}' must be data that the rows of this table have experiments for: {', '.join(experiments)}."
        )
    return experiments[name]


def by_row(settings: list[str], study: Study) -> tuple[list[str], dict[str, list[str]]]:
    """Separates settings of every run from those of one row, ``ROW:key=value``.

    Raises:
        OptionError: If there is no such row.
    """
    shared: list[str] = []
    own: dict[str, list[str]] = {}
    for setting in settings:
        row, rest = row_and_setting(setting)
        if row is None:
            shared.append(setting)
        elif row in study.rows and study.rows[row].of is None:
            own.setdefault(row, []).append(rest)
        else:
            rows = ", ".join(name for name, each in study.rows.items() if each.of is None)
            raise OptionError(f"'{setting}' must begin with a trained row of '{study.name}': {rows}.")
    return shared, own


def seeds_of(value: Any) -> list[int]:
    """Returns the seeds for a count (0, 1, ...) or a list."""
    seeds = list(range(value)) if isinstance(value, int) else list(value)
    if not seeds or not all(isinstance(seed, int) and seed >= 0 for seed in seeds):
        raise OptionError(f"'seeds' must be a number of seeds or a list such as [0,7], got {value}.")
    return sorted(set(seeds))


def plan_cells(
    study: Study,
    config: DictConfig,
    shared: list[str],
    rows: list[str],
    seeds: list[int],
    own: Mapping[str, list[str]] | None = None,
) -> Plan:
    """Plans every cell with its overrides and hashes; each distinct data set is generated or opened once.

    Args:
        study: The table.
        config: Settings of the sweep.
        shared: Settings of every run.
        rows: Rows to run; those that show a branch of another row are not run themselves.
        seeds: Seeds to run.
        own: Further settings by row, which apply to it alone.
    """
    planned: Plan = {}
    hashes: dict[str, str] = {}
    trained = [row for row in rows if study.rows[row].of is None]
    bases = {row: _base(study, row, [*shared, *(own or {}).get(row, ())]) for row in trained}
    for seed in seeds:
        for row in trained:
            overrides = _overrides(study, config, bases[row], row, seed)
            composed = compose("train", overrides)
            key = json.dumps(plain(composed.data.dataset), sort_keys=True)
            if key not in hashes:
                hashes[key] = data_hash(open_data(composed.data))
            settings = settings_that_matter(composed)
            for setting in EARLIER:
                if composed[setting] is not None:  # hash the earlier run's settings, not its path
                    _check_is_a_row(setting, composed[setting], study.rows[row].needs)
                    settings[setting] = [planned[need, seed].settings_hash for need in study.rows[row].needs]
            planned[row, seed] = CellTask(
                study.name, row, seed, tuple(overrides), settings_hash(settings), hashes[key]
            )
    return planned


def _base(study: Study, row: str, given: list[str]) -> list[str]:
    """Settings of a row's runs of every seed, without the row's own."""
    given = with_experiment(given, study.rows[row].experiment)
    base = [*study.settings, *given]
    if study.generated and compose("train", base).data.dataset.name == "interactions":
        return [*study.settings, *study.generated, *given]
    return base


def _check_is_a_row(setting: str, value: str, needs: tuple[str, ...]) -> None:
    """Raises if an earlier run is not a row of the table: runs from elsewhere have no hash to identify them by."""
    if Path(value).parent.name not in needs:
        raise OptionError(
            f"'{setting}' of a table must be one of its rows, as in \"{setting}={{run:ROW}}\", got {value!r}."
        )


def _overrides(study: Study, config: DictConfig, base: list[str], row: str, seed: int) -> list[str]:
    def run_of(name: str) -> Path:
        return Path(config.runs) / study.name / name / str(seed)

    settings = list(study.rows[row].settings)
    for need in study.rows[row].needs:
        settings = [setting.replace(f"{{run:{need}}}", str(run_of(need))) for setting in settings]
    return [*base, f"seed={seed}", *settings, "trainer.enable_progress_bar=false", f"run={run_of(row)}"]


def data_hash(dataset: StoredDataset) -> str:
    """Hashes the captions, the splits, the extractor records, and the features of 16 evenly spaced videos."""
    corpus, store = dataset.corpus, dataset.store
    ids = corpus.ids()
    digest = hashlib.sha256()
    for video in ids:
        digest.update(json.dumps([video, corpus[video].split, corpus.captions(video)]).encode())
    digest.update(repr(sorted(store.extractors.items())).encode())
    for video in ids[:: max(1, len(ids) // 16)]:
        features = store[video]
        parts = [features.appearance, features.motion, *(grid.values for grid in features.grids.values())]
        if features.detections is not None:
            parts += [features.detections.features, features.detections.boxes]
        for part in parts:
            digest.update(b"-" if part is None else part.numpy().tobytes())
    return digest.hexdigest()[:16]


def unfinished(planned: Plan, config: DictConfig, *, need_runs: bool = False) -> list[CellTask]:
    """Returns the cells that still have to be run; an identical cell of another table is reused.

    Args:
        planned: The cells by row and seed.
        config: Settings of the sweep.
        need_runs: Whether a cell whose run folder is gone is run again, instead of being kept or taken over.

    Raises:
        OptionError: If a cell was made with other settings or data, and ``replace`` is false.
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
        own = run_folder(task)
        if same and (is_run_of(task, own) or not need_runs):
            continue
        twin = elsewhere.get((task.settings_hash, task.data_hash))
        there = twin and Path(config.runs) / twin.table / twin.row / str(twin.seed)
        if twin and there and (is_run_of(task, there) or not need_runs):
            save_cell(results, twin.model_copy(update={"table": task.table, "row": row, "seed": seed}))
            _take_over_run(task, there)
        else:
            todo.append(task)
    done = len(planned) - len(todo)
    print(f"{done} of {len(planned)} cells are finished, {len(todo)} to run")  # noqa: T201  # numbers only
    return todo


def _take_over_run(task: CellTask, there: Path) -> None:
    """Links the run folder of an identical cell of another table, so that rows of this table can build on it."""
    own = run_folder(task)
    if is_run_of(task, there) and not own.exists():
        own.parent.mkdir(parents=True, exist_ok=True)
        own.symlink_to(there.absolute(), target_is_directory=True)


def run_folder(task: CellTask) -> Path:
    """Returns the run folder of a cell."""
    return next(
        Path(override.partition("=")[2]) for override in task.overrides if override.startswith("run=")
    )


def tasks_of(planned: Plan, todo: list[CellTask]) -> list[Task]:
    """Orders the tasks, adding finished cells again if another task needs their run folder and it no longer exists."""
    tasks: dict[str, Task] = {}

    def add(task: CellTask) -> None:
        needs = []
        for override in task.overrides:
            if key_of(override) in EARLIER:
                earlier = planned[Path(override.partition("=")[2]).parent.name, task.seed]
                folder = run_folder(earlier)
                if not (is_run_of(earlier, folder) and (folder / "model.safetensors").is_file()):
                    add(earlier)
                    needs.append(cell_name(earlier))
        tasks.setdefault(cell_name(task), Task(cell_name(task), task, tuple(needs)))

    for task in todo:
        add(task)
    return list(tasks.values())


def cell_name(task: CellTask) -> str:
    """Returns the name of a cell in messages and task dependencies: ``TABLE/ROW/SEED``."""
    return f"{task.table}/{task.row}/{task.seed}"
