"""The kinds of edges of a video graph."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["EdgeKind"]


class EdgeKind(IntEnum):
    """Which rule made an edge: inside a frame, from a frame to the next, or the dense ablation's."""

    SPACE = 0
    TIME = 1
    DENSE = 2
