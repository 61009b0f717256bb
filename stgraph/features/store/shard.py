"""One HDF5 file of a store, open for reading, and what all files of a store must agree on."""

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
    """Rows that go into a shard: those of another shard, or those of videos just added."""

    ids: list[str]

    def counts(self, level: str) -> np.ndarray:
        """Rows of each parent."""

    def num_rows(self, level: str) -> int:
        """Rows of all parents together."""

    def tail(self, column: Column) -> tuple[int, ...]:
        """Axes behind the row axis."""

    def slices(self, column: Column) -> Iterator[np.ndarray]:
        """All rows, in pieces that fit into memory."""


class Shard:
    """One file, open for reading.

    Arrays lie contiguous in files that stgraph wrote and are mapped, so that reading a video is a copy from
    the page cache without a call into HDF5; chunked or compressed arrays of other writers are read through
    h5py.

    Raises:
        MissingDataError: If the file does not exist.
        StoreError: If it is truncated, of another format or a newer version, or pointers do not fit the arrays.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        file = open_file(path)
        try:
            self.header = read_header(file, path)
            self.columns = columns(self.header.extractors, self.header.dtype)
            self.ids = [str(name) for name in file["video/id"].asstr()[:]]
            self.pointers = {level: file[pointer_path(level)][:] for level in levels(self.header.extractors)}
            raw = np.memmap(path, np.uint8, "r")  # one map a file: each keeps a file descriptor
            self.arrays: dict[str, Any] = {
                column.path: _array(file[column.path], path, raw) for column in self.columns
            }
        except KeyError as error:
            file.close()
            raise StoreError(
                f"{path} lacks an array of its format ({error.args[0]}); write it anew."
            ) from error
        except BaseException:
            file.close()
            raise
        self._check_pointers()
        if any(isinstance(array, h5py.Dataset) for array in self.arrays.values()):
            self._file = file  # kept open for them
        else:
            file.close()

    def _check_pointers(self) -> None:
        for level, pointer in self.pointers.items():  # frames come first
            parents = self.num_rows("frame") if level == "object" else len(self.ids)
            rows = {len(self.arrays[column.path]) for column in self.columns if column.level == level}
            fits = len(pointer) == parents + 1 and pointer[0] == 0 and rows == {pointer[-1]}
            if not fits or (np.diff(pointer) < 0).any():
                raise StoreError(
                    f"{self.path}: '{pointer_path(level)}' does not fit the arrays it points into; see what "
                    f"is wrong with 'stgraph store validate {self.path}' and write it anew."
                )

    def counts(self, level: str) -> np.ndarray:
        """Rows of each parent."""
        return np.diff(self.pointers[level])

    def num_rows(self, level: str) -> int:
        """Rows of all parents together."""
        return len(self.ids) if level == "video" else int(self.pointers[level][-1])

    def tail(self, column: Column) -> tuple[int, ...]:
        """Axes behind the row axis."""
        return tuple(self.arrays[column.path].shape[1:])

    def slices(self, column: Column) -> Iterator[np.ndarray]:
        """All rows, in pieces that fit into memory."""
        array = self.arrays[column.path]
        step = rows_of_slice(array)
        for begin in range(0, len(array), step):
            yield array[begin : begin + step]


def rows_of_slice(array: np.ndarray | h5py.Dataset) -> int:
    """Rows of an array that fit into memory together."""
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
        # A shard never changes once it has its name: no need for HDF5's locks, which some file systems lack.
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be opened as HDF5 ({_last_words(error)}); it is truncated or no HDF5 file: "
            "write it anew."
        ) from error


def read_header(file: h5py.File, path: Path) -> Header:
    """What made the file.

    Raises:
        StoreError: If it has another format or a newer version.
    """
    form, version = file.attrs.get("format"), file.attrs.get("version")
    if form != FORMAT or version is None:
        raise StoreError(
            f"{path} is HDF5 but no feature store (format {form!r}); use an importer to make one of it."
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
            f"{path}: the store's attributes cannot be read ({error}); write it anew."
        ) from error


def common_tail(column: Column, parts: Sequence[Part]) -> tuple[int, ...]:
    """The axes behind the row axis that all parts with rows agree on.

    Raises:
        DataError: If they do not.
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
    """The header that all files share.

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
    offset = dataset.id.get_offset()  # None where chunked or compact
    if offset is None or dataset.file.userblock_size or dataset.external or dataset.is_virtual:
        return dataset
    if offset + dataset.nbytes > len(raw):
        raise StoreError(f"{path} ends within '{dataset.name}'; it is truncated: write it anew.")
    return np.ndarray(dataset.shape, dataset.dtype, raw, offset)


def _last_words(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:160]
