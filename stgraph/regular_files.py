"""Refuses what is not a regular file before it is opened: opening a pipe waits for ever, and a device may not end."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from stgraph.errors import MissingDataError, shown

__all__ = ["check_regular", "kind_of"]

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_regular(path: str | Path) -> None:
    """Checks that a path is that of a regular file; links are followed, and nothing is opened.

    Raises:
        MissingDataError: If there is nothing at the path, or something else: a folder, pipe, device or socket, or links that
            lead to each other. The message says which.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        raise MissingDataError(
            f"There is no file at {shown(path)}; give the path of an existing one."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MissingDataError(f"{shown(path)} can't be read: {reason}; give the path of a file.") from error
    if not stat.S_ISREG(mode):
        raise MissingDataError(f"{shown(path)} is {kind_of(mode)}, not a file; give the path of the file.")


def kind_of(mode: int) -> str:
    """Names what is at a path by its mode, for messages.

    >>> kind_of(os.stat(".").st_mode)
    'a folder'
    """
    return _KINDS.get(stat.S_IFMT(mode), "a special file")
