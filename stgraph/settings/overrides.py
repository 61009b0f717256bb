"""The text of a setting ``key=value``, read without importing hydra."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["EXTRACTOR_GROUPS", "group_of", "key_of", "looks_like_override", "row_and_setting"]

EXTRACTOR_GROUPS = ("appearance", "motion", "objects", "flow")
"""Configuration groups that each choose one extractor."""


def key_of(setting: str) -> str:
    """Returns the key of ``key=value`` without hydra's prefixes ``+`` and ``~``.

    >>> key_of("++motion.weights=i3d.pt")
    'motion.weights'
    """
    return setting.partition("=")[0].lstrip("+~")


def group_of(setting: str) -> str:
    """Returns the first part of the key of ``key=value``.

    >>> group_of("motion.weights=i3d.pt")
    'motion'
    """
    return key_of(setting).partition(".")[0]


def looks_like_override(argument: str) -> bool:
    """Returns whether an argument is a setting ``key=value``, not an existing path that contains "="."""
    match = re.match(r"^[+~]{0,2}([A-Za-z_]\w*)[\w./@]*=", argument)
    return match is not None and not Path(argument).exists()


def row_and_setting(setting: str) -> tuple[str | None, str]:
    """Splits ``ROW:key=value``, a setting of one row of a table, into both; the row of other settings is None.

    >>> row_and_setting("stat:data.dataset.store=a:b.h5"), row_and_setting("run=a:b")
    (('stat', 'data.dataset.store=a:b.h5'), (None, 'run=a:b'))
    """
    match = re.match(r"([A-Za-z_]\w*):([^=]*=.*)$", setting, re.DOTALL)
    return (match[1], match[2]) if match else (None, setting)
