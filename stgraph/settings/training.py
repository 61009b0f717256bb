"""Turns a composed configuration into a training run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import hydra
from lightning.pytorch.utilities.rank_zero import rank_zero_only
from omegaconf import DictConfig, OmegaConf
from pydantic import ValidationError

from stgraph.datasets import StoredDataset
from stgraph.errors import OptionError, shown
from stgraph.files import atomic_write, make_folder
from stgraph.graph import GraphConfig
from stgraph.settings.compose import plain, saved_config
from stgraph.settings.identity import check_same_settings
from stgraph.settings.paths import stored_paths
from stgraph.training.config import DataConfig, TrainingConfig
from stgraph.training.run import build_run
from stgraph.training.run_folder import check_run_folder, lock_run

__all__ = [
    "data_config",
    "graph_config",
    "is_first_rank",
    "open_data",
    "save_config",
    "train",
    "training_config",
]

Progress = Callable[[int, int], None]


def training_config(config: DictConfig) -> TrainingConfig:
    """Validates a configuration composed from ``configs/train.yaml``.

    Raises:
        OptionError: If a setting has a wrong type or value.
    """
    values = plain(config)
    for name in ("optimizer", "schedule", "logger"):
        if values.get(name) is not None:
            values[name] = hydra.utils.instantiate(values[name])
    values["data"] = data_config(config.data)
    try:
        return TrainingConfig.model_validate(values)
    except ValidationError as error:
        raise OptionError(_first_problem("", error)) from error


def data_config(config: DictConfig) -> DataConfig:
    """Validates the group ``data`` of a configuration.

    Raises:
        OptionError: If a setting has a wrong type or value.
    """
    try:
        return DataConfig.model_validate(plain(config))
    except ValidationError as error:
        raise OptionError(_first_problem("data.", error)) from error


def graph_config(config: DictConfig) -> GraphConfig:
    """Validates the group ``graph`` of a configuration.

    Raises:
        OptionError: If a setting has a wrong type or value.
    """
    try:
        return GraphConfig.model_validate(plain(config))
    except ValidationError as error:
        raise OptionError(_first_problem("graph.", error)) from error


def open_data(config: DictConfig, progress: Progress | None = None) -> StoredDataset:
    """Opens the data set of the group ``data``.

    Args:
        config: Content of the group.
        progress: Called with (done, total) while data are generated.
    """
    return data_config(config).open(progress)


def train(config: DictConfig, progress: Progress | None = None) -> Path:
    """Trains a model and saves the configuration in the run folder.

    Args:
        config: Configuration composed from ``configs/train.yaml``.
        progress: Called with (done, total) while data are generated.

    Returns:
        The run folder.

    Raises:
        OptionError: If a setting is invalid, or differs from the original settings of a resumed run.
        WorkerError: If another process trains in the run folder.
    """
    chosen = training_config(config)
    with lock_run(chosen.run, writes=is_first_rank()):
        check_run_folder(chosen.run, chosen.resume)
        if chosen.resume:
            check_same_settings(config, saved_config(chosen.run))
        run = build_run(chosen, progress)
        save_config(config, chosen.run)
        run.train()
    return chosen.run


def save_config(config: DictConfig, folder: Path) -> None:
    """Saves a configuration in its run folder, with paths by which the run can be used from anywhere."""
    make_folder(folder)
    if not is_first_rank():
        return
    saved = OmegaConf.create(stored_paths(plain(config), folder))
    with atomic_write(folder / "config.yaml") as path:
        OmegaConf.save(saved, path)


def is_first_rank() -> bool:
    """Returns whether this is the only process, or rank 0 of a distributed training."""
    return rank_zero_only.rank == 0  # type: ignore[attr-defined]


def _first_problem(prefix: str, error: ValidationError) -> str:
    first = error.errors()[0]
    where = shown(prefix + ".".join(str(part) for part in first["loc"]), 80)
    if first["type"] == "extra_forbidden":
        return f"There is no setting '{where}'; leave it out."
    if first["type"] == "missing":
        return f"The setting '{where}' is missing; give it a value."
    reason = f"{first['msg'][0].lower()}{first['msg'][1:]}"
    return f"'{where}': {reason}, got {shown(repr(first['input']), 80)}; correct it."
