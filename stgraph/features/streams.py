"""Names of feature streams: the vector streams, and grids of vectors with the prefix ``grid/``."""

from __future__ import annotations

from collections.abc import Iterable

from stgraph.checking import checked

__all__ = ["GRID", "VECTOR_STREAMS", "grid_names"]

GRID = "grid/"
"""Prefix of the streams that are grids, as in ``grid/i3d``."""

VECTOR_STREAMS = ("appearance", "motion", "object")
"""Streams of one vector per frame, clip or object."""


@checked
def grid_names(streams: Iterable[str]) -> list[str]:
    """Names of the grids among ``streams``, without their prefix and in the given order.

    >>> grid_names(["appearance", "grid/layer4"])
    ['layer4']
    """
    return [stream.removeprefix(GRID) for stream in streams if stream.startswith(GRID)]
