"""Warnings that point to the caller's own line."""

from __future__ import annotations

import sys
import warnings

__all__ = ["warn_caller"]


def warn_caller(message: str) -> None:
    """Warns at the line outside stgraph that made the call, however many of our functions lie between."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "stgraph":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)
