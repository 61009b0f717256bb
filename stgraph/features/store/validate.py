"""Validates a store and lists its problems."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stgraph.checking import checked
from stgraph.errors import DataError, StgraphError, StoreError
from stgraph.features.store.checks import check_values
from stgraph.features.store.checksums import Checksum
from stgraph.features.store.layout import LayoutError
from stgraph.features.store.problem import Problem
from stgraph.features.store.provenance import Header
from stgraph.features.store.schema import shard_files, shard_number
from stgraph.features.store.shard import Shard


@dataclass(frozen=True)
class _Summary:
    """Attributes on which the files of a store must agree."""

    path: Path
    header: Header
    ids: list[str]
    tails: dict[str, tuple[int, ...]]


@checked
def validate(path: str | Path) -> list[Problem]:
    """Reads a whole store and lists its problems.

    Checks each file's header, arrays and pointers and, if these are valid, its values and then its checksums; then
    compares ids, widths and headers of all files. Problems of one kind are listed once per video.

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
        shard = Shard(path, check=False)
    except LayoutError as error:
        return None, [Problem(None, problem) for problem in error.problems]
    except StgraphError as error:
        return None, [Problem(None, str(error))]
    try:
        if problems := list(shard.pointer_problems()):
            return _summary(shard), problems
        return _summary(shard), check_values(shard) or _check_checksums(shard)
    except StgraphError as error:
        return None, [Problem(None, str(error))]
    finally:
        shard.close()


def _summary(shard: Shard) -> _Summary:
    tails = {
        column.path: shard.tail(column)
        for column in shard.columns
        if column.tail is None and len(shard.arrays[column.path])
    }
    return _Summary(shard.path, shard.header, shard.ids, tails)


def _check_checksums(shard: Shard) -> list[Problem]:
    """Compares all bytes with the checksums; changed values that are valid show only here."""
    if shard.checksums is None:
        return []
    shard.check_loaded()
    problems = []
    for column in shard.columns:
        found = Checksum()
        for piece in shard.slices(column):
            found.add(np.ascontiguousarray(piece))
        try:
            shard.checksums.check_sum(shard.path, column.path, found)
        except StoreError as error:
            problems.append(Problem(None, str(error)))
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
