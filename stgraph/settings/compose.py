"""Composes a configuration from the package's YAML and the user's overrides, and says which key was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from hydra import compose as hydra_compose
from hydra import initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from stgraph.errors import MissingDataError, OptionError
from stgraph.settings.paths import quoted_paths

CHOICES = (
    *("experiment", "data", "graph", "model", "loss", "optimizer", "row", "schedule", "reinforce"),
    *("frames", "appearance", "motion", "objects", "flow"),
)
"""Keys that choose a file of their group."""

__all__ = ["compose", "looks_like_override", "plain", "saved_config"]


def compose(config: str, overrides: Sequence[str], data: Any = None) -> DictConfig:
    """The configuration ``configs/<config>.yaml`` with overrides such as ``data.batch_size=32``.

    ``data``, where given, is what the group ``data`` holds unless an override chooses another.

    Raises: OptionError: An override names a key or a choice that does not exist (the nearest one is named), or cannot
        be read.
    """
    overrides = quoted_paths(overrides)
    for override in overrides:
        _check_readable(override)
    if data is not None:
        ConfigStore.instance().store(group="data", name="of_the_run", node=OmegaConf.create(data))
    GlobalHydra.instance().clear()
    try:
        with initialize_config_module("stgraph.configs", version_base="1.3"):
            try:
                composed = hydra_compose(config, list(overrides))
            except (HydraException, OmegaConfBaseException) as error:
                raise OptionError(_explain(error, overrides, _known(config, overrides))) from error
    finally:
        GlobalHydra.instance().clear()
    try:
        OmegaConf.resolve(composed)
    except OmegaConfBaseException as error:
        raise OptionError(f"The configuration cannot be resolved: {str(error).splitlines()[0]}.") from error
    missing = sorted(OmegaConf.missing_keys(composed))
    if missing:
        raise OptionError(f"'{missing[0]}' must be given, as in {missing[0]}=...")
    return composed


def plain(config: Any) -> Any:
    """A part of a configuration as plain dicts and lists."""
    return OmegaConf.to_container(config, resolve=True) if OmegaConf.is_config(config) else config


def saved_config(run: Path) -> DictConfig:
    """The configuration that a run was trained with; it is read, never instantiated."""
    path = run / "config.yaml"
    if not path.is_file():
        raise MissingDataError(
            f"{run} is no run: it has no config.yaml; train one with 'stgraph train run={run}'."
        )
    return cast(DictConfig, OmegaConf.load(path))


def _check_readable(override: str) -> None:
    if "=" not in override:
        raise OptionError(f"'{override}' must be a setting key=value, such as seed=1.")
    try:
        OverridesParser.create().parse_override(override)
    except HydraException as error:
        reason = str(error).splitlines()[0]
        raise OptionError(f"The setting '{override}' cannot be read: {reason}; quote its value.") from error


def looks_like_override(argument: str, keys: Sequence[str]) -> bool:
    """Whether an argument is a setting of one of the top-level ``keys`` and not a name with "=" in it."""
    match = re.match(r"^[+~]{0,2}([A-Za-z_]\w*)[\w./@]*=", argument)
    return match is not None and not Path(argument).is_file()


def _known(config: str, overrides: Sequence[str]) -> DictConfig:
    """The configuration with the groups that were chosen and no other override: its keys are those that exist."""
    groups = [override for override in overrides if override.partition("=")[0] in CHOICES]
    try:
        return hydra_compose(config, groups)
    except (HydraException, OmegaConfBaseException):  # a choice that does not exist
        return hydra_compose(config)


def _explain(error: Exception, overrides: Sequence[str], known: DictConfig) -> str:
    keys = _keys(known)
    for override in overrides:
        key = override.partition("=")[0].lstrip("+~")
        if key not in keys:
            near = difflib.get_close_matches(key, keys, n=1, cutoff=0.5) or [
                name for name in keys if name.rpartition(".")[2] == key.rpartition(".")[2]
            ]
            hint = (
                f"did you mean '{near[0]}'?"
                if near
                else f"known are {', '.join(sorted(str(key) for key in known))}."
            )
            return f"There is no setting '{key}' (in '{override}'); {hint}"
    return f"{' '.join(str(error).split())[:400]}"


def _keys(config: DictConfig, prefix: str = "") -> list[str]:
    found: list[str] = (
        [] if prefix else ["experiment", "row", "schedule", "reinforce"]
    )  # groups without a default choice
    for key in config:
        name = prefix + str(key)
        found.append(name)
        child = config._get_node(key)
        if isinstance(child, DictConfig) and not child._is_none():
            found += _keys(child, f"{name}.")
    return found
