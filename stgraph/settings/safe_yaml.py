"""Reads YAML that may come from anywhere: plain values, within limits, and nothing in it is interpolated or built."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from stgraph.errors import DataError, MissingDataError, shown

__all__ = ["read_yaml"]

LARGEST = 200_000
"""Bytes of a file; configurations and tables of stgraph have up to 10,000."""
DEEPEST = 20
"""Levels of nesting."""


def read_yaml(path: Path) -> dict[str, Any]:
    """Reads settings by name; numbers are read as ``OmegaConf.save`` writes them.

    Args:
        path: The file.

    Raises:
        MissingDataError: If there is no such file.
        DataError: If the file is too large, is not a YAML mapping of plain values, or contains an alias, a tag or an
            interpolation ``${...}``; what an interpolation stands for is neither resolved nor printed.
    """
    if not path.exists():
        raise MissingDataError(f"There is no file {path}; check the path.")
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{path} is not a regular file; name a YAML file.")
    if status.st_size > LARGEST:
        raise DataError(
            f"{path} has {status.st_size} bytes and may have {LARGEST}; it is no configuration of stgraph."
        )
    try:
        text = path.read_text(encoding="utf-8")
        _check_events(text, path)
        values = OmegaConf.to_container(OmegaConf.create(text), resolve=False)
    except DataError:
        raise
    except (yaml.YAMLError, OSError, RecursionError, ValueError, TypeError, OmegaConfBaseException) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path} is not a configuration in YAML: {reason}; write it again.") from error
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise DataError(f"{path} must hold settings by name; write it again.")
    return {str(key): value for key, value in values.items()}


def _check_events(text: str, path: Path) -> None:
    """Checks the file as it is parsed, before any value is made."""
    depth, mappings = 0, 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise DataError(f"{path} holds a YAML alias, which stgraph does not write; remove it.")
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!":
            raise DataError(
                f"{path} holds the YAML tag '{shown(tag, 80)}', which stgraph does not write; remove it."
            )
        if isinstance(event, yaml.ScalarEvent) and (half := re.search("[\ud800-\udfff]", event.value)):
            raise DataError(
                f"{path} holds half of a surrogate pair, {shown(half[0])}, which is no character; correct it."
            )
        if isinstance(event, yaml.ScalarEvent) and "${" in event.value:
            raise DataError(
                f"{path} holds the interpolation '{shown(event.value, 80)}', which is not resolved; write its value."
            )
        if depth == 0 and isinstance(event, yaml.MappingStartEvent):
            mappings += 1
        depth += isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent))
        depth -= isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent))
        if depth > DEEPEST:
            raise DataError(
                f"{path} is nested more than {DEEPEST} levels deep; it is no configuration of stgraph."
            )
    if mappings != 1:
        raise DataError(f"{path} must hold settings by name; write it again.")
