"""The kinds of edges of a video graph."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["EdgeKind"]


class EdgeKind(IntEnum):
    """Rule that made an edge.

    The sum of two kinds is not a kind: a transform that adds up edge attributes, such as PyG's ``ToUndirected``, cannot
    turn one kind into another unnoticed.
    """

    SPACE = 0
    """Between objects of one frame."""
    TIME = 1
    """From an object to one of a later frame."""
    DENSE = 3
    """Of the dense ablation, between all objects of a video."""
