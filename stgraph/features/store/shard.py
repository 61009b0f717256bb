"""One HDF5 file of a store: opened with its arrays mapped into memory, or written whole from parts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np

from stgraph.errors import DataError, MissingDataError, StoreError
from stgraph.features.store.records import Header, decode_records, encode_records
from stgraph.features.store.schema import FORMAT, VERSION, Column, columns, levels, pointer_path

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

    Arrays lie contiguous in files that stgraph wrote and are mapped, so that reading a video is a copy from the page
    cache without a call into HDF5; chunked or compressed arrays of other writers are read through h5py.

    Raises:
        MissingDataError: No such file. StoreError: Truncated, of another format or a newer version, or pointers that
            don't fit the arrays.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        file = open_file(path)
        try:
            self.header = read_header(file, path)
            self.columns = columns(self.header.extractors, self.header.dtype)
            self.ids = [str(name) for name in file["video/id"].asstr()[:]]
            self.pointers = {level: file[pointer_path(level)][:] for level in levels(self.header.extractors)}
            self.arrays: dict[str, Any] = {column.path: _map(file, path, column.path) for column in self.columns}
        except KeyError as error:
            file.close()
            raise StoreError(f"{path} lacks an array of its format ({error.args[0]}); write it anew.") from error
        except BaseException:
            file.close()
            raise
        self._check_pointers()
        if any(isinstance(array, h5py.Dataset) for array in self.arrays.values()):
            self._file = file  # kept open for them
        else:
            file.close()

    def _check_pointers(self) -> None:
        parents = {"object": self.num_rows("frame")}
        for level, pointer in self.pointers.items():
            rows = [len(self.arrays[column.path]) for column in self.columns if column.level == level]
            fits = len(pointer) == parents.get(level, len(self.ids)) + 1 and pointer[0] == 0
            if not fits or (np.diff(pointer) < 0).any() or any(pointer[-1] != count for count in rows):
                raise StoreError(
                    f"{self.path}: '{pointer_path(level)}' does not fit the arrays it points into; see what is wrong "
                    f"with 'stgraph store validate {self.path}' and write it anew."
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
        step = max(1, SLICE_BYTES // max(1, array.dtype.itemsize * int(np.prod(array.shape[1:]))))
        for begin in range(0, len(array), step):
            yield array[begin : begin + step]


def open_file(path: Path) -> h5py.File:
    """Opens an HDF5 file for reading.

    Raises: MissingDataError: No such file. StoreError: No HDF5 file, or a truncated one.
    """
    if not path.is_file():
        raise MissingDataError(f"No feature store at {path}.")
    try:
        # Shards never change once they have their name, so HDF5's locks, which some file systems lack, have no use.
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be opened as HDF5 ({_last_words(error)}); it is truncated or no HDF5 file: write it anew."
        ) from error


def read_header(file: h5py.File, path: Path) -> Header:
    """What made the file.

    Raises: StoreError: Another format or a newer version.
    """
    form, version = file.attrs.get("format"), file.attrs.get("version")
    if form != FORMAT or version is None:
        raise StoreError(f"{path} is HDF5 but no feature store (format {form!r}); use an importer to make one of it.")
    if version > VERSION:
        raise StoreError(
            f"{path} is a feature store of version {version}, this stgraph reads up to {VERSION}; update stgraph."
        )
    try:
        names = tuple(json.loads(file.attrs["label_names"]))
        return Header(decode_records(file.attrs["extractors"]), names, str(file.attrs["dtype"]))
    except (KeyError, ValueError, AttributeError) as error:
        raise StoreError(f"{path}: the store's attributes cannot be read ({error}); write it anew.") from error


def write_shard(path: Path, header: Header, parts: Sequence[Part]) -> None:
    """Writes a file with the rows of all parts beside ``path``, and gives it that name when it is whole.

    Raises: StoreError: No room on the disk; nothing is left behind. DataError: Widths differ.
    """
    beside = part_file(path)
    try:
        # Aligned arrays can be mapped as they are.
        with h5py.File(beside, "w", locking=False, alignment_threshold=1, alignment_interval=64) as file:
            _fill(file, header, parts)
        _sync(beside)
        os.replace(beside, path)
        _sync(path.parent)
    except (OSError, RuntimeError) as error:
        beside.unlink(missing_ok=True)
        raise no_room(error, path) or error from error
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def part_file(path: Path) -> Path:
    """Where a file lies while it is being written."""
    return path.with_name(f".{path.name}.part")


def no_room(error: Exception, path: Path) -> StoreError | None:
    """The error of a full disk, in words; None for other errors."""
    import errno

    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    # h5py puts the number into the text only
    if getattr(error, "errno", None) in full or any(f"errno = {number}," in str(error) for number in full):
        return StoreError(f"No room left on the disk for {path}; nothing of it was kept: free some space and run again.")
    return None


def common_tail(column: Column, parts: Sequence[Part]) -> tuple[int, ...]:
    """The axes behind the row axis that all parts with rows agree on.

    Raises: DataError: They don't.
    """
    if column.tail is not None:
        return column.tail
    with_rows = [part for part in parts if part.num_rows(column.level)]
    tails = {part.tail(column): part for part in with_rows or parts}
    if len(tails) > 1 and with_rows:
        (one, first), (other, second) = list(tails.items())[:2]
        raise DataError(
            f"'{column.path}' has rows of {list(one)} up to video '{first.ids[-1]}' and of {list(other)} from video "
            f"'{second.ids[0]}' on; extract all videos in the same way."
        )
    return max(tails, default=(0, 0) if column.level.startswith("grid/") else (0,))


def _fill(file: h5py.File, header: Header, parts: Sequence[Part]) -> None:
    file.attrs["format"], file.attrs["version"] = FORMAT, VERSION
    file.attrs["extractors"] = encode_records(header.extractors)
    file.attrs["label_names"] = json.dumps(header.label_names)
    file.attrs["dtype"] = header.dtype
    ids = [name for part in parts for name in part.ids]
    file.create_dataset("video/id", data=np.array(ids, dtype=object), dtype=h5py.string_dtype())
    for level in levels(header.extractors):
        counts = [part.counts(level) for part in parts]
        file[pointer_path(level)] = np.concatenate([[0], *counts]).cumsum(dtype=np.int64)
    for column in columns(header.extractors, header.dtype):
        rows = sum(part.num_rows(column.level) for part in parts)
        data = file.create_dataset(column.path, (rows, *common_tail(column, parts)), column.dtype)
        begin = 0
        for part in parts:
            for piece in part.slices(column):
                data[begin : begin + len(piece)] = piece
                begin += len(piece)


def _map(file: h5py.File, path: Path, name: str) -> np.ndarray | h5py.Dataset:
    dataset = file[name]
    if not dataset.size:
        return np.empty(dataset.shape, dataset.dtype)
    offset = dataset.id.get_offset()  # None where chunked, compact, external or virtual
    if offset is None or file.userblock_size or dataset.external or dataset.is_virtual:
        return dataset
    if offset + dataset.nbytes > path.stat().st_size:
        raise StoreError(f"{path} ends within '{name}'; it is truncated: write it anew.")
    return np.asarray(np.memmap(path, dataset.dtype, "r", offset, dataset.shape))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _last_words(error: Exception) -> str:
    return str(error).strip("()").splitlines()[0][:160]


def same_headers(headers: Mapping[Path, Header]) -> Header:
    """The header that all files share.

    Raises: DataError: Says which file differs in what.
    """
    (_, first), *others = headers.items()
    for path, header in others:
        first.check_same(header, str(path))
    return first
