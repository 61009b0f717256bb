"""Composes a configuration from the package's YAML files and overrides; errors suggest the nearest valid setting."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobRuntime
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from stgraph.errors import DataError, MissingDataError, OptionError, shown
from stgraph.processes import DelayedSignals
from stgraph.settings.choices import (
    CONFIGS,
    OPTIONAL,
    choices_of,
    default_groups,
    entry_point_models,
    group_choices,
    own_choices,
)
from stgraph.settings.legacy import with_current_names
from stgraph.settings.overrides import key_of
from stgraph.settings.paths import located_paths, quoted_paths
from stgraph.settings.safe_yaml import read_yaml

__all__ = ["compose", "plain", "saved_config"]

DATA_OF_THE_RUN = "of_the_run"
STORED = ("data", "model", "loss")
"""Groups that get further choices through hydra's config store."""
KINDS = {dict: "settings by name", int: "an integer", str: "a name"}
REQUIRED = {
    "data": dict,
    "data.dataset": dict,
    "data.dataset.name": str,
    "model": dict,
    "model.name": str,
    "seed": int,
}
"""Settings that every run has, and their kinds; a group stands before its settings."""


def compose(config: str, overrides: Sequence[str], data: Any = None, *, complete: bool = True) -> DictConfig:
    """Composes ``configs/<config>.yaml`` with overrides such as ``data.loader.batch_size=32``.

    Hydra's global state is restored afterwards, so this function can be called from within another hydra application.

    Args:
        config: Name of the configuration.
        overrides: Settings ``key=value`` in hydra's grammar; values of path settings are taken literally.
        data: Content of the group ``data``, used unless an override chooses another data set.
        complete: Whether mandatory settings must be given; if false, they stay ``???``.

    Returns:
        The composed configuration, with interpolations resolved if ``complete``.

    Raises:
        OptionError: If an override cannot be parsed, or names an unknown setting or choice; the message suggests the
            nearest one.
    """
    overrides = quoted_paths(overrides)
    groups = default_groups(config)
    for override in overrides:
        _check_readable(override)
        _check_choice(override, groups, config)
    overrides = [_with_own_choice(override, config) for override in overrides]
    # Signals wait: their exception would be lost in OmegaConf, which then fails to restore the flags of a node.
    with DelayedSignals(), _own_hydra():
        if data is not None:
            ConfigStore.instance().store(
                group="data", name=DATA_OF_THE_RUN, node=OmegaConf.create(plain(data))
            )
        if "model" in groups:
            _store_entry_points(overrides)
        with initialize_config_module("stgraph.configs", version_base="1.3"):
            try:
                composed = hydra_compose(config, list(overrides))
            except (HydraException, OmegaConfBaseException) as error:
                raise OptionError(_explain(error, overrides, _known(config, overrides))) from error
    if not complete:
        return composed
    try:
        with DelayedSignals():
            OmegaConf.resolve(composed)
    except OmegaConfBaseException as error:
        raise OptionError(f"The configuration cannot be resolved: {str(error).splitlines()[0]}.") from error
    missing = sorted(OmegaConf.missing_keys(composed))
    if missing:
        raise OptionError(f"'{missing[0]}' must be given, as in {missing[0]}=...")
    return composed


def plain(config: Any) -> Any:
    """Converts a configuration, or a part of one, to plain dicts and lists."""
    return OmegaConf.to_container(config, resolve=True) if OmegaConf.is_config(config) else config


def saved_config(run: Path) -> DictConfig:
    """Reads the configuration that a run was trained with, without instantiating or interpolating anything.

    Paths relative to the run folder become absolute ones.

    Args:
        run: Folder of the run.

    Raises:
        MissingDataError: If the folder has no ``config.yaml``.
        DataError: As in :func:`~stgraph.settings.safe_yaml.read_yaml`, or if a setting is unknown or of another kind.
    """
    path = run / "config.yaml"
    if not path.exists():
        raise MissingDataError(
            f"{run} is not a run: it has no config.yaml; train one with 'stgraph train run={run}'."
        )
    values = with_current_names(read_yaml(path))
    known = _training_keys()
    if unknown := sorted(values.keys() - known["train"]):
        raise DataError(
            f"{path} has the unknown setting '{shown(unknown[0], 80)}'; use a run that 'stgraph train' wrote."
        )
    for key, kind in REQUIRED.items():
        value: Any = values
        for part in key.split("."):
            value = value.get(part)
        if type(value) is not kind or (kind is str and not re.fullmatch(r"[\w.-]+", str(value))):
            raise DataError(f"{path}: '{key}' must be {KINDS[kind]}; use a run that 'stgraph train' wrote.")
    if unknown := sorted(map(str, values["data"].keys() - known["data"])):
        raise DataError(
            f"{path} has the unknown setting 'data.{shown(unknown[0], 80)}'; use a run that 'stgraph train' wrote."
        )
    return OmegaConf.create(located_paths(values, run))


@cache
def _training_keys() -> dict[str, frozenset[str]]:
    """Returns the names of the settings of ``configs/train.yaml``, and of its group ``data``."""
    top = yaml.safe_load((CONFIGS / "train.yaml").read_text(encoding="utf-8"))
    data = yaml.safe_load((CONFIGS / "data" / "base.yaml").read_text(encoding="utf-8"))
    return {
        "train": frozenset(top) - {"defaults"} | frozenset(default_groups("train")),
        "data": frozenset(data),
    }


@contextmanager
def _own_hydra() -> Iterator[None]:
    """Provides fresh hydra singletons inside the context and restores the caller's afterwards."""
    state, runtime, repo = GlobalHydra.instance(), JobRuntime.instance(), ConfigStore.instance().repo
    hydra, conf = state.hydra, runtime.conf
    # Only our groups are restored: plugins register theirs when hydra starts for the first time.
    groups = {group: dict(repo[group]) for group in STORED if group in repo}
    state.hydra, runtime.conf = None, conf.copy()
    try:
        yield
    finally:
        GlobalHydra.instance().hydra = hydra  # leaving hydra's context created a new instance
        runtime.conf = conf
        for group in STORED:
            repo.pop(group, None)
        repo.update(groups)


def _store_entry_points(overrides: Sequence[str]) -> None:
    """Adds choices to the groups ``model`` and ``loss`` for chosen models of installed packages."""
    installed, ours = entry_point_models(), group_choices()
    for override in overrides:
        group, _, name = override.partition("=")
        if group in ("model", "loss") and name in installed:
            store = ConfigStore.instance()
            if name not in ours["loss"]:
                store.store(group="loss", name=name, node=OmegaConf.create({"name": name}))
            if group == "model" and name not in ours["model"]:
                store.store(group="model", name=name, node=OmegaConf.create(_model_settings(name)))


def _model_settings(name: str) -> dict[str, Any]:
    """Returns an installed model's settings: its constructor arguments with defaults, without those set by the data."""
    import inspect

    from stgraph.models.registry import find_model

    model = find_model(name)
    settings: dict[str, Any] = {"name": name}
    streams = getattr(model, "default_streams", None)
    if streams is not None:
        settings["streams"] = list(streams)
    parameters = inspect.signature(model).parameters
    for key, parameter in parameters.items():
        of_data = key in ("vocab_size", "max_length", "num_categories", "grid_channels") or (
            key in ("appearance_channels", "motion_channels", "object_channels")
        )
        default = list(parameter.default) if isinstance(parameter.default, tuple) else parameter.default
        if not of_data and (default is None or isinstance(default, (bool, int, float, str, list, dict))):
            settings[key] = default
    if "num_categories" in parameters:
        settings["categories"] = False
    return settings


def _check_readable(override: str) -> None:
    if "=" not in override and not override.startswith("~"):
        raise OptionError(f"'{override}' must be a setting key=value, such as seed=1.")
    key = key_of(override)
    if re.match(r"hydra([./@]|$)", key):
        raise OptionError(
            f"'{override}' is a setting of hydra's own launcher, which stgraph does not use; set the folder of a run "
            "with run=FOLDER."
        )
    try:
        parsed = OverridesParser.create().parse_override(override)
    except HydraException as error:
        reason = str(error).splitlines()[0]
        raise OptionError(f"The setting '{override}' cannot be read: {reason}; quote its value.") from error
    if parsed.is_sweep_override():
        hint = "'stgraph ablate seeds=[...]'" if key == "seed" else "'stgraph ablate' with a row for each"
        raise OptionError(f"'{override}' gives several values, but a run takes only one; use {hint}.")


def _with_own_choice(override: str, config: str) -> str:
    """Names the file of a choice that a group has for this configuration alone: ``experiment=extract/stat``."""
    key, _, name = override.partition("=")
    return f"{key}={config}/{name}" if name in own_choices(key, config) else override


def _check_choice(override: str, groups: dict[str, str], config: str) -> None:
    """Raises if ``group=NAME`` names an unknown choice."""
    key, _, name = override.partition("=")
    key, name = key.lstrip("+"), name.strip("'\"")
    if key not in groups or (name == "null" and key in OPTIONAL):
        return
    choices = choices_of(key, config)
    if key == "loss":
        choices = (*choices, *entry_point_models())
    own = name == DATA_OF_THE_RUN and groups[key] == DATA_OF_THE_RUN
    if name in choices or own or name.startswith(("{", "[")):
        return
    near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(choices)}."
    raise OptionError(f"There is no {key} '{name}' (in '{override}'); {hint}")


def _known(config: str, overrides: Sequence[str]) -> DictConfig:
    """Composes with the chosen groups and no other overrides; its keys are the settings that exist."""
    groups = default_groups(config)
    chosen = [override for override in overrides if override.partition("=")[0] in groups]
    try:
        return hydra_compose(config, chosen)
    except (HydraException, OmegaConfBaseException):  # choices that cannot be combined
        return hydra_compose(config)


def _explain(error: Exception, overrides: Sequence[str], known: DictConfig) -> str:
    keys = _keys(known)
    for override in overrides:
        key = key_of(override)
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1, cutoff=0.5) or [
                name for name in keys if name.rpartition(".")[2] == key.rpartition(".")[2]
            ]
            hint = (
                f"did you mean '{near[0]}'?"
                if near
                else f"known are {', '.join(sorted(str(key) for key in known))}."
            )
            if key.startswith("trainer."):
                hint += f" Other arguments of Lightning's Trainer take a plus: +{override}."
            return f"There is no setting '{key}' (in '{override}'); {hint}"
    return f"{' '.join(str(error).split())[:400]}"


def _keys(config: DictConfig, prefix: str = "") -> list[str]:
    found: list[str] = [] if prefix else sorted(OPTIONAL)
    for key in config:
        name = prefix + str(key)
        found.append(name)
        child = config._get_node(key)
        if isinstance(child, DictConfig) and not child._is_none():
            found += _keys(child, f"{name}.")
    return found
