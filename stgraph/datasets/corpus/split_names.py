"""The names of splits."""

from __future__ import annotations

from stgraph.errors import OptionError

__all__ = ["SPLITS", "split_name"]

SPLITS = ("train", "val", "test")
OTHER_NAMES = {"training": "train", "valid": "val", "validate": "val", "validation": "val", "testing": "test"}


def split_name(name: str) -> str:
    """The name of a split in stgraph: "train", "val" or "test".

    Raises:
        OptionError: If ``name`` is not a known name of a split.

    >>> split_name("validate")
    'val'
    """
    found = OTHER_NAMES.get(name.lower(), name.lower())
    if found not in SPLITS:
        raise OptionError(f"A split must be one of {SPLITS} or {sorted(OTHER_NAMES)}, got {name!r}.")
    return found
