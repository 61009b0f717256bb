"""The version of the installed distribution; ``pyproject.toml`` is the only place that states it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

__all__ = ["DISTRIBUTION", "UNINSTALLED", "installed_version"]

DISTRIBUTION = "stgraph-captioning"
UNINSTALLED = "0+uninstalled"
"""Version of a checkout that is imported without being installed; PEP 440 sorts it below every release."""


@cache
def installed_version() -> str:
    """The version in the metadata of ``stgraph-captioning``, or `UNINSTALLED` where it is not installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return UNINSTALLED
