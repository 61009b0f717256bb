"""Writes one HDF5 file of a feature store."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from stgraph.errors import StoreError, WriteError
from stgraph.features.store.checksums import Checksum, checksum_of_ids, write_attribute, write_checksums
from stgraph.features.store.provenance import Header, encode_records
from stgraph.features.store.schema import FORMAT, IDS, VERSION, columns, levels, pointer_path
from stgraph.features.store.shard import Part, common_tail
from stgraph.files import atomic_write
from stgraph.processes import DelayedSignals


def write_shard(path: Path, header: Header, parts: Sequence[Part]) -> None:
    """Writes one file of a store with the rows of all parts; if writing fails, no file remains.

    Args:
        path: The file.
        header: Header of the store.
        parts: Rows to write, in order.

    Raises:
        StoreError: If the disk is full or permission is denied.
        DataError: If the parts have rows of different widths.
    """
    try:
        with atomic_write(path) as part, _Sink(part) as sink, DelayedSignals() as signals:
            # Aligned arrays can be memory-mapped; since version 1.10 HDF5 keeps a checksum of what describes them.
            try:
                with h5py.File(
                    sink, "w", libver=("v110", "v110"), alignment_threshold=1, alignment_interval=64
                ) as file:
                    _fill(file, sink, signals, header, parts)
            finally:
                sink.check()  # its error says why; that of HDF5, if it noticed, does not
    except WriteError as error:
        raise StoreError(str(error)) from error


class _Sink(io.FileIO):
    """File for HDF5 to write to that stores the first error instead of raising it.

    After a failed write HDF5 can't close the file and crashes the process.
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
        """Raises the first write error, which was hidden from HDF5."""
        if self.error is not None:
            raise self.error


def _fill(
    file: h5py.File, sink: _Sink, signals: DelayedSignals, header: Header, parts: Sequence[Part]
) -> None:
    file.attrs["version"] = VERSION
    texts = {
        "format": FORMAT,
        "extractors": encode_records(header.extractors),
        "label_names": json.dumps(header.label_names),
        "dtype": header.dtype,
    }
    for name, text in texts.items():
        write_attribute(file, name, text)
    ids = [name for part in parts for name in part.ids]
    sums = {IDS: checksum_of_ids(ids)}
    content = [name.encode() for name in ids]
    kind = h5py.string_dtype("utf-8", max((len(name) for name in content), default=1))
    file.create_dataset(IDS, data=np.array(content, dtype=kind), dtype=kind)
    for level in levels(header.extractors):
        counts = [part.counts(level) for part in parts]
        pointer = np.concatenate([[0], *counts]).cumsum(dtype=np.int64)
        file[pointer_path(level)] = pointer
        sums[pointer_path(level)] = _checksum(pointer)
    for column in columns(header.extractors, header.dtype):
        rows = sum(part.num_rows(column.level) for part in parts)
        data = file.create_dataset(column.path, (rows, *common_tail(column, parts)), column.dtype)
        begin, found = 0, Checksum()
        for part in parts:
            for piece in part.slices(column):
                data[begin : begin + len(piece)] = piece
                found.add(np.ascontiguousarray(piece))
                begin += len(piece)
                sink.check()
                signals.check()
        sums[column.path] = found
    write_checksums(file, sums)


def _checksum(values: np.ndarray) -> Checksum:
    found = Checksum()
    found.add(values)
    return found
