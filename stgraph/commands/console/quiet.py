"""Whether a command shows progress (``-q`` turns it off)."""

from __future__ import annotations

__all__ = ["is_quiet", "set_quiet"]

_quiet = False


def set_quiet(quiet: bool) -> None:
    """Turns progress off or on in this process."""
    global _quiet
    _quiet = quiet


def is_quiet() -> bool:
    """Whether progress is turned off."""
    return _quiet
