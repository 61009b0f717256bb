"""Configuration groups and their choices, read from the package's YAML files without importing hydra."""

from __future__ import annotations

from functools import cache
from pathlib import Path

__all__ = ["choices_of", "default_groups", "entry_point_models", "group_choices", "own_choices"]

CONFIGS = Path(__file__).parents[1] / "configs"
HIDDEN = ("base",)  # files that only serve as defaults of others
OPTIONAL = {"schedule", "reinforce", "experiment", "row"}
"""Groups that accept ``null``."""


@cache
def group_choices() -> dict[str, tuple[str, ...]]:
    """Returns the choices of every group: its file names, sorted."""
    found = {}
    for folder in sorted(path for path in CONFIGS.iterdir() if path.is_dir()):
        names = tuple(sorted(file.stem for file in folder.glob("*.yaml") if file.stem not in HIDDEN))
        if names:
            found[folder.name] = names
    return found


def own_choices(group: str, config: str) -> tuple[str, ...]:
    """Returns the choices that a group has for one configuration alone: the files of ``configs/<group>/<config>``."""
    return tuple(sorted(file.stem for file in (CONFIGS / group / config).glob("*.yaml")))


def choices_of(group: str, config: str = "train") -> tuple[str, ...]:
    """Returns the choices of one group; models of installed packages are choices of ``model``.

    Args:
        group: Name of the group.
        config: Name of the configuration; a group may have other choices for it.
    """
    names = own_choices(group, config) or group_choices().get(group, ())
    return tuple(sorted({*names, *entry_point_models()})) if group == "model" else names


@cache
def default_groups(config: str) -> dict[str, str]:
    """Returns the groups of ``configs/<config>.yaml`` with their default choices, in file order."""
    import yaml

    content = yaml.safe_load((CONFIGS / f"{config}.yaml").read_text(encoding="utf-8")) or {}
    entries = [entry for entry in content.get("defaults", ()) if isinstance(entry, dict)]
    return {str(group): str(name or "null") for entry in entries for group, name in entry.items()}


def entry_point_models() -> list[str]:
    """Returns the names of models that installed packages declare as entry points, without importing them."""
    from importlib.metadata import entry_points

    return sorted({point.name for point in entry_points(group="stgraph.models")})
