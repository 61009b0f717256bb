"""Checks that the pointers of a file fit the arrays that they point into."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from stgraph.features.store.problem import Problem
from stgraph.features.store.schema import Column, pointer_path

__all__ = ["pointer_problems"]


def pointer_problems(
    path: Path,
    ids: Sequence[str],
    pointers: Mapping[str, np.ndarray],
    columns: Sequence[Column],
    lengths: Mapping[str, int],
) -> Iterator[Problem]:
    """Yields pointers that do not increase from 0 to the number of rows.

    Args:
        path: The file.
        ids: Its videos.
        pointers: Pointers by level, frames first.
        columns: Its arrays.
        lengths: Number of rows of each array.
    """
    for level, pointer in pointers.items():
        name = pointer_path(level)
        if not len(pointer):
            yield Problem(None, f"{path}: '{name}' is empty.")
            continue
        frames = pointers["frame"]
        parents = len(ids) if level != "object" else int(frames[-1]) if len(frames) else 0
        if len(pointer) != parents + 1:
            yield Problem(None, f"{path}: '{name}' has {len(pointer)} entries and should have {parents + 1}.")
        elif pointer[0] != 0:
            yield Problem(None, f"{path}: '{name}' must start at 0, got {pointer[0]}.")
        for parent in np.flatnonzero(pointer[1:] < pointer[:-1])[:1]:
            owner = parent if level != "object" else np.searchsorted(frames, parent, "right") - 1
            yield Problem(
                ids[owner] if 0 <= owner < len(ids) else None,
                f"'{name}' falls from {pointer[parent]} to {pointer[parent + 1]} at entry {parent} ({path.name}).",
            )
    for column in columns:
        rows = lengths[column.path]
        if column.level == "video":
            what, end = "'video/id'", len(ids)
        else:
            pointer = pointers[column.level]
            what, end = f"'{pointer_path(column.level)}'", int(pointer[-1]) if len(pointer) else 0
        if rows != end:
            yield Problem(None, f"{path}: {what} ends at {end}, but '{column.path}' has {rows} rows.")
