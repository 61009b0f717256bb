"""Reads one HDF5 file of a store, and checks that the files of a store agree."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np

from stgraph.errors import DataError, StoreError
from stgraph.features.store.arrays import ChunkedArray, ContiguousArray, StoredArray
from stgraph.features.store.checksums import HEAD_BYTES, Checksums, checksum_of_ids
from stgraph.features.store.layout import Array, check_layout, hdf5_errors
from stgraph.features.store.opening import StoreFile, read_header
from stgraph.features.store.pointers import pointer_problems
from stgraph.features.store.problem import Problem
from stgraph.features.store.provenance import Header
from stgraph.features.store.schema import IDS, Column, columns, levels, pointer_path
from stgraph.features.streams import GRID

SLICE_BYTES = 1 << 26


class Part(Protocol):
    """Rows to write to a shard: those of another shard or of a buffer."""

    ids: list[str]

    def counts(self, level: str) -> np.ndarray:
        """Number of rows of each parent."""

    def num_rows(self, level: str) -> int:
        """Total number of rows."""

    def tail(self, column: Column) -> tuple[int, ...]:
        """Sizes of the axes after the row axis."""

    def slices(self, column: Column) -> Iterator[np.ndarray]:
        """Yields all rows in slices that fit into memory."""


class Shard:
    """One file of a store, open for reading.

    Arrays are contiguous in files that stgraph wrote, so reading a video copies from the page cache without calling HDF5.
    Chunked or compressed arrays of other writers are read through h5py. Before anything is read, links, types, shapes and
    storage of all arrays are checked; then the checksums of what is read on opening.

    Args:
        path: The file.
        check: Whether to check pointers and checksums too; :func:`stgraph.features.store.validate` does so itself.

    Raises:
        MissingDataError: If the file does not exist.
        StoreError: If it is truncated or damaged, has another format, layout or a newer version, or its pointers do not
            fit the arrays.
    """

    def __init__(self, path: Path, *, check: bool = True) -> None:
        self.path = path
        self._file = StoreFile(path)
        try:
            self._load(self._file)
            if check:
                self._check_opened()
        except BaseException:
            self.close()
            raise
        if not any(isinstance(array, ChunkedArray) for array in self.arrays.values()):
            self._file.close_hdf5()

    def close(self) -> None:
        """Closes the file; its arrays cannot be read any more."""
        self._file.close()

    def _load(self, file: StoreFile) -> None:
        self.header = read_header(file.hdf5, self.path)
        self.columns = columns(self.header.extractors, self.header.dtype)
        names = levels(self.header.extractors)
        found = check_layout(file.hdf5, self.path, file.size, self.columns, names)
        with hdf5_errors(self.path):
            self.ids = _texts(found[IDS].dataset)
            self.pointers = {level: np.array(self._array(found[pointer_path(level)])[:]) for level in names}
            self.arrays: dict[str, Any] = {
                column.path: self._array(found[column.path]) for column in self.columns
            }
            for column in self.columns:
                if column.level == "video":  # a few numbers per video, which are read one by one
                    self.arrays[column.path] = np.array(self.arrays[column.path][:])
        self.checksums = Checksums.read(file.hdf5, self.path)
        file.trust()

    def _array(self, found: Array) -> StoredArray:
        if not found.size:
            return np.empty(found.shape, found.dtype)
        if found.offset is None or self._file.hdf5.userblock_size:
            return ChunkedArray(found, self.path)
        return ContiguousArray(found, self.path, self._file.source)

    def _check_opened(self) -> None:
        for problem in self.pointer_problems():
            raise StoreError(
                f"{problem} Run 'stgraph store validate {self.path}' for all problems, and write the file again."
            )
        if self.checksums is None:
            return
        self.check_loaded()
        for name, array in self.arrays.items():
            if isinstance(array, np.ndarray):
                self.checksums.check(self.path, name, array)
            elif isinstance(array, ContiguousArray):
                self.checksums.check_head(self.path, name, array.head(HEAD_BYTES))

    def check_loaded(self) -> None:
        """Compares ids and pointers with their checksums.

        Raises:
            StoreError: If they are not what was written.
        """
        if self.checksums is not None:
            self.checksums.check_sum(self.path, IDS, checksum_of_ids(self.ids))
            for level, pointer in self.pointers.items():
                self.checksums.check(self.path, pointer_path(level), pointer)

    def pointer_problems(self) -> Iterator[Problem]:
        """Yields what is wrong with the pointers."""
        lengths = {name: len(array) for name, array in self.arrays.items()}
        return pointer_problems(self.path, self.ids, self.pointers, self.columns, lengths)

    def counts(self, level: str) -> np.ndarray:
        """Number of rows of each parent."""
        return np.diff(self.pointers[level])

    def num_rows(self, level: str) -> int:
        """Total number of rows."""
        return len(self.ids) if level == "video" else int(self.pointers[level][-1])

    def tail(self, column: Column) -> tuple[int, ...]:
        """Sizes of the axes after the row axis."""
        return tuple(self.arrays[column.path].shape[1:])

    def slices(self, column: Column) -> Iterator[np.ndarray]:
        """Yields all rows in slices that fit into memory."""
        array = self.arrays[column.path]
        step = rows_of_slice(array)
        for begin in range(0, len(array), step):
            yield array[begin : begin + step]


def rows_of_slice(array: StoredArray) -> int:
    """Number of rows in a slice of limited memory."""
    return max(1, SLICE_BYTES // max(1, array.dtype.itemsize * math.prod(array.shape[1:])))


def common_tail(column: Column, parts: Sequence[Part]) -> tuple[int, ...]:
    """Sizes of the axes after the row axis, on which all parts with rows must agree.

    Raises:
        DataError: If they differ.
    """
    if column.tail is not None:
        return column.tail
    with_rows = [part for part in parts if part.num_rows(column.level)]
    tails = {part.tail(column): part for part in with_rows or parts}
    if len(tails) > 1 and with_rows:
        (one, first), (other, second) = list(tails.items())[:2]
        raise DataError(
            f"'{column.path}' has rows of {list(one)} up to video '{first.ids[-1]}' and of {list(other)} "
            f"from video '{second.ids[0]}' on; extract all videos in the same way."
        )
    return max(tails, default=(0, 0) if column.level.startswith(GRID) else (0,))


def same_headers(headers: Mapping[Path, Header]) -> Header:
    """Returns the header that all files share.

    Raises:
        DataError: If they differ; the message names the file and the difference.
    """
    (_, first), *others = headers.items()
    for path, header in others:
        first.check_same(header, str(path))
    return first


def _texts(ids: h5py.Dataset) -> list[str]:
    return [str(name) for name in ids.asstr()[:]] if ids.size else []
