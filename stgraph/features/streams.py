"""Names of the feature streams: vectors, and grids of vectors whose names begin with ``grid/``."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["GRID", "VECTOR_STREAMS", "grid_names"]

GRID = "grid/"
VECTOR_STREAMS = ("appearance", "motion", "object")


def grid_names(streams: Iterable[str]) -> list[str]:
    """Names of the grids among ``streams``, without their prefix, in the order given.

    >>> grid_names(["appearance", "grid/layer4"])
    ['layer4']
    """
    return [stream.removeprefix(GRID) for stream in streams if stream.startswith(GRID)]
