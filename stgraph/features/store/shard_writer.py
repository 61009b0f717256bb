"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from stgraph.errors import StoreError
from stgraph.features.store.provenance import Header, encode_records
from stgraph.features.store.schema import FORMAT, VERSION, columns, levels, pointer_path
from stgraph.features.store.shard import Part, common_tail

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_shard(path: Path, header: Header, parts: Sequence[Part]) -> None:
    """Writes a file with the rows of all parts beside ``path``, and gives it that name when it is whole.

    Raises: StoreError: No room on the disk, or no permission; nothing is left behind. DataError: Widths
        differ.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        with _Sink(beside) as sink:
            # Aligned arrays can be mapped as they are.
            with h5py.File(sink, "w", alignment_threshold=1, alignment_interval=64) as file:
                _fill(file, sink, header, parts)
            sink.check()
            os.fsync(sink.fileno())
        os.replace(beside, path)
        sync(path.parent)
    except OSError as error:
        raise write_error(error, path) from error
    finally:
        beside.unlink(missing_ok=True)


def write_error(error: OSError, path: Path) -> StoreError:
    """A failed write in words."""
    if error.errno in NO_ROOM:
        return StoreError(f"No room left for {path}; nothing of it was kept: free some space and run again.")
    return StoreError(
        f"{path} cannot be written ({error.strerror or error}); check the folder and its permissions."
    )


def sync(path: Path) -> None:
    """Waits until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _Sink(io.FileIO):
    """A file that takes all that HDF5 writes, and keeps the first error for us.

    HDF5 cannot close a file after a write that failed, and takes the process down with it.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "w+")
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while left and self.error is None:
                left = left[super().write(left) :]
        except OSError as error:
            self.error = error
        return size

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size or 0

    def check(self) -> None:
        """Raises the error that HDF5 was not told of."""
        if self.error is not None:
            raise self.error


def _fill(file: h5py.File, sink: _Sink, header: Header, parts: Sequence[Part]) -> None:
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
                sink.check()
