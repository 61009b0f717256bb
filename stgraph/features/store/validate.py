"""Validates a store and lists its problems."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from stgraph.errors import DataError, StgraphError
from stgraph.features.store.checks import check_values
from stgraph.features.store.problem import Problem
from stgraph.features.store.provenance import Header
from stgraph.features.store.schema import columns, levels, pointer_path, shard_files, shard_number
from stgraph.features.store.shard import open_file, read_header
from stgraph.features.streams import GRID


@dataclass(frozen=True)
class _Summary:
    """Attributes on which the files of a store must agree."""

    path: Path
    header: Header
    ids: list[str]
    tails: dict[str, tuple[int, ...]]


def validate(path: str | Path) -> list[Problem]:
    """Reads a whole store and lists its problems.

    Checks each file's header, arrays and pointers and, if these are valid, its values; then compares ids, widths and
    headers of all files. Problems of one kind are listed once per video.

    Args:
        path: The store.

    Returns:
        The problems; empty if the store is valid.

    Raises:
        MissingDataError: If the store does not exist.

    Reference: our own design.
    """
    files = shard_files(Path(path))
    problems, summaries = _missing_shards(files) if Path(path).is_dir() else [], []
    for file in files:
        summary, found = _check_file(file)
        problems += found
        summaries += [summary] if summary else []
    return problems + _check_together(summaries)


def _missing_shards(files: list[Path]) -> list[Problem]:
    there = {shard_number(file) for file in files}
    gone = sorted(set(range(max(there) + 1)) - there)
    return [
        Problem(None, f"{files[0].parent} lacks shard {number}; its videos are lost, write them again.")
        for number in gone
    ]


def _check_file(path: Path) -> tuple[_Summary | None, list[Problem]]:
    try:
        with open_file(path) as file:
            header = read_header(file, path)
            if problems := _check_layout(file, path, header):
                return None, problems
            ids = [str(name) for name in file["video/id"].asstr()[:]]
            pointers = {level: file[pointer_path(level)][:] for level in levels(header.extractors)}
            problems = _check_pointers(file, path, header, ids, pointers)
            if not problems:
                problems = check_values(file, path, header, ids, pointers)
            return _Summary(path, header, ids, _tails(file, header)), problems
    except StgraphError as error:
        return None, [Problem(None, str(error))]
    except (OSError, RuntimeError) as error:  # raised by h5py for damaged blocks
        return None, [
            Problem(None, f"{path} is damaged, HDF5 cannot read all of it ({error}); write it again.")
        ]


def _tails(file: h5py.File, header: Header) -> dict[str, tuple[int, ...]]:
    features = (column.path for column in columns(header.extractors, header.dtype) if column.tail is None)
    return {name: tuple(file[name].shape[1:]) for name in features if len(file[name])}


def _check_layout(file: h5py.File, path: Path, header: Header) -> list[Problem]:
    """Lists arrays that are missing or don't have the axes or type that the format requires."""
    problems = []
    for name in ("video/id", *(pointer_path(level) for level in levels(header.extractors))):
        if name not in file:
            problems.append(Problem(None, f"{path} lacks the array '{name}'; write it again."))
        elif file[name].ndim != 1 or (
            name != "video/id" and (not file[name].size or file[name].dtype.kind != "i")
        ):
            problems.append(
                Problem(None, f"{path}: '{name}' must be one axis of integers, got {list(file[name].shape)}.")
            )
    for column in columns(header.extractors, header.dtype):
        if column.path not in file:
            problems.append(Problem(None, f"{path} lacks the array '{column.path}'; write it again."))
            continue
        array = file[column.path]
        axes = 1 + (
            len(column.tail) if column.tail is not None else 2 if column.level.startswith(GRID) else 1
        )
        if array.ndim != axes or (column.tail is not None and array.shape[1:] != column.tail):
            problems.append(
                Problem(
                    None, f"{path}: '{column.path}' has the axes {list(array.shape)} and should have {axes}."
                )
            )
        if array.dtype.kind != np.dtype(column.dtype).kind or (
            column.tail is None and array.dtype != column.dtype
        ):
            problems.append(
                Problem(
                    None, f"{path}: '{column.path}' is of type {array.dtype} and should be {column.dtype}."
                )
            )
    return problems


def _check_pointers(
    file: h5py.File, path: Path, header: Header, ids: list[str], pointers: dict[str, np.ndarray]
) -> list[Problem]:
    """Lists pointers that do not increase from 0 to the number of rows."""
    problems = []
    for level, pointer in pointers.items():
        name, parents = pointer_path(level), int(pointers["frame"][-1]) if level == "object" else len(ids)
        if len(pointer) != parents + 1:
            problems.append(
                Problem(None, f"{path}: '{name}' has {len(pointer)} entries and should have {parents + 1}.")
            )
        elif pointer[0] != 0:
            problems.append(Problem(None, f"{path}: '{name}' must start at 0, got {pointer[0]}."))
        for parent in np.flatnonzero(np.diff(pointer) < 0)[:1]:
            fall = f"'{name}' falls from {pointer[parent]} to {pointer[parent + 1]} at entry {parent} ({path.name})."
            owner = parent if level != "object" else np.searchsorted(pointers["frame"], parent, "right") - 1
            problems.append(Problem(ids[owner] if owner < len(ids) else None, fall))
    for column in columns(header.extractors, header.dtype):
        what, end = (
            ("'video/id'", len(ids))
            if column.level == "video"
            else (f"'{pointer_path(column.level)}'", int(pointers[column.level][-1]))
        )
        if len(file[column.path]) != end:
            rows = len(file[column.path])
            problems.append(
                Problem(None, f"{path}: {what} ends at {end}, but '{column.path}' has {rows} rows.")
            )
    return problems


def _check_together(summaries: list[_Summary]) -> list[Problem]:
    problems: list[Problem] = []
    origin: dict[str, Path] = {}
    for summary in summaries:
        for video_id in summary.ids:
            if video_id in origin:
                problems.append(
                    Problem(
                        video_id,
                        f"is in {origin[video_id]} and in {summary.path}; write one of them without it.",
                    )
                )
            origin.setdefault(video_id, summary.path)
    tails: dict[str, tuple[tuple[int, ...], Path]] = {}
    for summary in summaries:
        try:
            summaries[0].header.check_same(summary.header, str(summary.path))
        except DataError as error:
            problems.append(Problem(None, str(error)))
        for name, tail in summary.tails.items():
            first, where = tails.setdefault(name, (tail, summary.path))
            if tail != first:
                problems.append(
                    Problem(
                        None,
                        f"'{name}' has rows of {list(first)} in {where} and of {list(tail)} in "
                        f"{summary.path}.",
                    )
                )
    return problems
