"""Names of settings in runs and committed results that were written before the settings were renamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["with_current_names", "with_hashed_names"]

RENAMED = {"data": {"max_words": "max_length"}}
"""By group, the first name of a setting and its current one. Hashes of results are computed from the first names."""


def with_current_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that were saved under any name, under their current ones."""
    return _renamed(settings, RENAMED)


def with_hashed_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings under the names that hashes are computed from, so that renaming one keeps finished cells valid.

    >>> with_hashed_names({"data": {"max_length": 5}, "seed": 1})
    {'data': {'max_words': 5}, 'seed': 1}
    """
    names = {group: {new: old for old, new in renamed.items()} for group, renamed in RENAMED.items()}
    return _renamed(settings, names)


def _renamed(settings: Mapping[str, Any], names: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    return {
        group: {names[group].get(key, key): value for key, value in values.items()}
        if group in names and isinstance(values, Mapping)
        else values
        for group, values in settings.items()
    }
