"""Old names of renamed settings, as found in earlier runs and committed results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["HASHED_DEFAULTS", "with_current_names", "with_hashed_names"]

RENAMED = {"data": {"max_words": "max_length"}}
"""Old and current names of settings, by group. Hashes of results are computed from the old names."""

HASHED_DEFAULTS: dict[str | None, dict[str, dict[str, Any]]] = {
    None: {"optimizer": {"fused": None}},
    "stat": {"model": {"initialization": "torch"}},
}
"""Settings by model (None: of every model) and group whose default is not what it was when the first results were hashed,
with their old values.

Settings are hashed by their difference from the defaults, so a result made before has the hash of the old value.
"""


def with_current_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Renames saved settings to their current names."""
    return _renamed(settings, RENAMED)


def with_hashed_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Renames settings to the old names that hashes are computed from, so that finished cells stay valid.

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
