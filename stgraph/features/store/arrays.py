"""Arrays of a store's file, of which rows are read when they are asked for.

Rows are read and not mapped: a mapped file that another process cuts off, or that lies on a disk that fails, ends this
process by a signal.
"""

from __future__ import annotations

import io
import math
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np

from stgraph.errors import StoreError
from stgraph.features.store.guarded_file import GuardedFile
from stgraph.features.store.layout import Array, hdf5_errors

__all__ = ["ChunkedArray", "ContiguousArray", "StoredArray"]

_seeking = threading.Lock()


class ContiguousArray:
    """An array whose bytes lie one after the other in the file, as stgraph writes it.

    Args:
        found: The array, with its offset.
        path: Its file, for messages.
        source: The file, which stays open with the array.
    """

    def __init__(self, found: Array, path: Path, source: GuardedFile) -> None:
        assert found.offset is not None
        self.shape, self.dtype, self.path = found.shape, found.dtype, path
        self._source, self._offset = source, found.offset
        self._row = math.prod(found.shape[1:]) * found.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Reads some rows.

        Raises:
            StoreError: If the file was cut off since it was opened, or cannot be read.
        """
        first, last, step = rows.indices(self.shape[0])
        assert step == 1
        values = np.empty((max(0, last - first), *self.shape[1:]), self.dtype)
        if values.size:
            self._read_into(values.data.cast("B"), self._offset + first * self._row)
        return values

    def head(self, count: int) -> np.ndarray:
        """Reads the first ``count`` bytes, or all if there are fewer."""
        values = np.empty(min(count, len(self) * self._row), np.uint8)
        self._read_into(values.data, self._offset)
        return values

    def _read_into(self, buffer: memoryview, place: int) -> None:
        try:
            while len(buffer):
                number = _read_at(self._source, buffer, place)
                if not number:
                    raise StoreError(f"{self.path} was cut off while it was open; write it again.")
                buffer, place = buffer[number:], place + number
        except StoreError:
            raise
        except (OSError, ValueError) as error:
            raise StoreError(f"{self.path} can't be read any more ({error}); check the disk.") from error


class ChunkedArray:
    """An array that another program stored in chunks, read through HDF5.

    Args:
        found: The array.
        path: Its file, for messages.
    """

    def __init__(self, found: Array, path: Path) -> None:
        self.dataset, self.path, self.shape, self.dtype = found.dataset, path, found.shape, found.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> Any:
        """Reads some rows.

        Raises:
            StoreError: If they are damaged.
        """
        with hdf5_errors(self.path):
            return self.dataset[rows]


StoredArray = ContiguousArray | ChunkedArray | np.ndarray


def _read_at(source: GuardedFile, buffer: memoryview, place: int) -> int:
    """Reads bytes at a place of a file, wherever other readers of the same descriptor are; returns their number."""
    if hasattr(os, "preadv"):
        return os.preadv(source.fileno(), [buffer], place)
    with _seeking:
        source.seek(place)
        return (
            io.FileIO.readinto(source, buffer) or 0
        )  # without the checks, which are for what HDF5 interprets
