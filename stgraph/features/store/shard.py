"""Reads one HDF5 file of a store, and checks that the files of a store agree."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np

from stgraph.errors import DataError, MissingDataError, StoreError
from stgraph.features.store.provenance import Header, decode_records
from stgraph.features.store.schema import FORMAT, VERSION, Column, columns, levels, pointer_path
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

    Arrays are contiguous in files that stgraph wrote and are memory-mapped, so reading a video copies from the page cache
    without calling HDF5. Chunked or compressed arrays of other writers are read through h5py.

    Args:
        path: The file.

    Raises:
        MissingDataError: If the file does not exist.
        StoreError: If it is truncated, has another format or a newer version, or its pointers do not fit the arrays.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        file = open_file(path)
        try:
            self.header = read_header(file, path)
            self.columns = columns(self.header.extractors, self.header.dtype)
            self.ids = [str(name) for name in file["video/id"].asstr()[:]]
            self.pointers = {level: file[pointer_path(level)][:] for level in levels(self.header.extractors)}
            raw = np.memmap(path, np.uint8, "r")  # one map per file: each keeps a file descriptor
            self.arrays: dict[str, Any] = {
                column.path: _array(file[column.path], path, raw) for column in self.columns
            }
        except KeyError as error:
            file.close()
            raise StoreError(
                f"{path} lacks an array of the format ({error.args[0]}); write it again."
            ) from error
        except BaseException:
            file.close()
            raise
        self._check_pointers()
        if any(isinstance(array, h5py.Dataset) for array in self.arrays.values()):
            self._file = file  # kept open to read them
        else:
            file.close()

    def _check_pointers(self) -> None:
        for level, pointer in self.pointers.items():  # frames come first
            parents = self.num_rows("frame") if level == "object" else len(self.ids)
            rows = {len(self.arrays[column.path]) for column in self.columns if column.level == level}
            fits = len(pointer) == parents + 1 and pointer[0] == 0 and rows == {pointer[-1]}
            if not fits or (np.diff(pointer) < 0).any():
                raise StoreError(
                    f"{self.path}: '{pointer_path(level)}' does not fit the arrays it points into; run "
                    f"'stgraph store validate {self.path}' for details, and write it again."
                )

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


def rows_of_slice(array: np.ndarray | h5py.Dataset) -> int:
    """Number of rows in a slice of limited memory."""
    return max(1, SLICE_BYTES // max(1, array.dtype.itemsize * int(np.prod(array.shape[1:]))))


def open_file(path: Path) -> h5py.File:
    """Opens an HDF5 file for reading.

    Raises:
        MissingDataError: If the file does not exist.
        StoreError: If it is not an HDF5 file, or is truncated.
    """
    if not path.is_file():
        raise MissingDataError(f"No feature store at {path}.")
    try:
        # A finished shard never changes, so HDF5's locks, which some file systems lack, are not needed.
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be opened as HDF5 ({_first_line(error)}); it is truncated or not an HDF5 file; "
            "write it again."
        ) from error


def read_header(file: h5py.File, path: Path) -> Header:
    """Reads the header of a file.

    Raises:
        StoreError: If it has another format or a newer version, or its attributes are invalid.
    """
    form, version = file.attrs.get("format"), file.attrs.get("version")
    if form != FORMAT or version is None:
        raise StoreError(
            f"{path} is HDF5 but not a feature store (format {form!r}); convert it with an importer."
        )
    if version > VERSION:
        raise StoreError(
            f"{path} is a feature store of version {version}, this stgraph reads up to {VERSION}; update "
            "stgraph."
        )
    try:
        names = tuple(json.loads(file.attrs["label_names"]))
        return Header(decode_records(file.attrs["extractors"]), names, str(file.attrs["dtype"]))
    except (KeyError, ValueError, AttributeError) as error:
        raise StoreError(
            f"{path}: the store's attributes cannot be read ({error}); write it again."
        ) from error


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


def _array(dataset: h5py.Dataset, path: Path, raw: np.ndarray) -> np.ndarray | h5py.Dataset:
    if not dataset.size:
        return np.empty(dataset.shape, dataset.dtype)
    offset = dataset.id.get_offset()  # None if chunked or compact
    if offset is None or dataset.file.userblock_size or dataset.external or dataset.is_virtual:
        return dataset
    if offset + dataset.nbytes > len(raw):
        raise StoreError(f"{path} ends within '{dataset.name}'; it is truncated, write it again.")
    return np.ndarray(dataset.shape, dataset.dtype, raw, offset)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:160]
