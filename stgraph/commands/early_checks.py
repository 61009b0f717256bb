"""Checks the settings and paths of a command with hydra alone, before torch is imported."""

from __future__ import annotations

import argparse
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stgraph.commands.arguments import ABLATE_KEYS, CONFIG_OF
from stgraph.commands.video_arguments import kind_of_source, split_caption_arguments, split_video_arguments
from stgraph.errors import DependencyError, MissingDataError, OptionError
from stgraph.settings.choices import default_groups
from stgraph.settings.overrides import group_of, key_of, looks_like_override, row_and_setting
from stgraph.settings.paths import check_paths_of_run

__all__ = ["check", "composed"]


def check(name: str, chosen: argparse.Namespace) -> Any:
    """Validates the paths and settings of a command.

    Args:
        name: The command.
        chosen: Its parsed arguments.

    Returns:
        The composed configuration, or None for a command without settings.

    Raises:
        MissingDataError: If a path does not exist.
        OptionError: If a setting or a choice does not exist, or more GPUs are requested than the machine has.
        DependencyError: If the chosen logger is not installed.
    """
    if name in CONFIG_OF:
        config = composed(name, chosen, complete=False)
        run = {"evaluate": "run", "caption": "model"}.get(name)
        if run is not None and config.data:
            from stgraph.settings.compose import plain, saved_config

            folder = Path(getattr(chosen, run))
            check_paths_of_run(plain(config.data), plain(saved_config(folder).data), folder)
        if CONFIG_OF[name] == "train":
            _check_gpus(config.trainer)
            _check_logger(config.logger)
        return config
    if name == "store":
        paths = [getattr(chosen, "path", None), getattr(chosen, "source", None)]
        for path in [*filter(None, paths), *getattr(chosen, "sources", ())]:
            if not Path(path).exists():
                raise MissingDataError(f"No feature store at {path}; write one with 'stgraph extract'.")
    return None


def _check_gpus(trainer: Any) -> None:
    """Raises if more GPUs are requested than the machine has; imports torch only if a GPU is requested."""
    if trainer.accelerator not in ("gpu", "cuda"):
        return
    import torch

    wanted, there = trainer.devices, torch.cuda.device_count()
    if there == 0:
        raise OptionError(
            f"'trainer.accelerator={trainer.accelerator}' needs a GPU, and torch finds none here; use "
            "trainer.accelerator=cpu."
        )
    if isinstance(wanted, int) and wanted > there:
        raise OptionError(f"'trainer.devices' is {wanted}, but this machine has {there} GPUs; ask for fewer.")


def _check_logger(logger: Any) -> None:
    for name, package in (("WandbLogger", "wandb"), ("TensorBoardLogger", "tensorboard")):
        if logger is not None and str(logger.get("_target_", "")).endswith(name) and not find_spec(package):
            raise DependencyError(f"'logger={package}' needs {package}; run: pip install {package}")


def composed(name: str, chosen: argparse.Namespace, *, complete: bool = True) -> Any:
    """Composes the configuration of a command.

    Args:
        name: The command.
        chosen: Its parsed arguments.
        complete: Whether mandatory settings must be given.
    """
    from stgraph.settings.compose import compose, saved_config

    settings, data = list(getattr(chosen, "settings", ())), None
    if name == "demo":
        settings = ["experiment=demo", *settings]
    elif name == "ablate":
        own: list[str] = []
        shared: list[str] = []
        for each in settings:
            row, setting = row_and_setting(each)  # whether the table has this row is checked later
            (own if row is None and key_of(each) in ABLATE_KEYS else shared).append(setting)
        groups = default_groups("train")
        # Settings inside a group depend on the table and are checked later.
        for each in shared:
            if group_of(each) not in groups or key_of(each) in groups:
                compose("train", [each], complete=False)
        settings = [each for each in own if not each.endswith((".yaml", ".yml"))]
    elif name == "extract" and not chosen.folder.exists():
        raise MissingDataError(f"There is no folder of videos at {chosen.folder}; check the path.")
    elif name == "evaluate":
        data = saved_config(chosen.run).data
    elif name == "words":
        settings = [each for each in chosen.runs if looks_like_override(each)]
    elif name == "caption":
        settings, data = _caption(chosen)
    elif name in ("graph", "inspect"):
        _, settings = split_video_arguments(chosen)
        if kind_of_source(chosen.source) == "run":
            return compose("caption", settings, data={}, complete=complete)
    return compose(CONFIG_OF[name], settings, data=data, complete=complete)


def _caption(chosen: argparse.Namespace) -> tuple[list[str], Any]:
    from stgraph.settings.compose import saved_config

    settings, videos, files = split_caption_arguments(chosen)
    if not str(chosen.model).startswith("hf://") and not Path(chosen.model).is_dir():
        raise MissingDataError(
            f"There is no model folder at {chosen.model}; train one with 'stgraph train run={chosen.model}'."
        )
    return settings, {} if files or not videos else saved_config(Path(chosen.model)).data
