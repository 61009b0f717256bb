"""CRC-32 checksums of a file's attributes and arrays.

HDF5 cannot tell a changed number from the one that was written, nor an array whose position was changed. Opening a file
therefore compares the attributes, ids and pointers, which are read anyway, and the first bytes of each array; validating
a store compares everything.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from stgraph.errors import StoreError
from stgraph.features.store.layout import hdf5_errors
from stgraph.features.store.opening import ATTRIBUTES, read_attribute
from stgraph.parsing import parse_json

__all__ = ["CHECKSUMS", "HEAD_BYTES", "Checksum", "Checksums", "checksum_of_ids"]

CHECKSUMS = "checksums"
HEAD_BYTES = 4096
"""Bytes at the start of an array that are compared when a file is opened."""


class Checksum:
    """Checksum of an array, and of its first 4,096 bytes, that is computed piece by piece."""

    def __init__(self) -> None:
        self.head, self.whole, self._left = 0, 0, HEAD_BYTES

    def add(self, piece: np.ndarray) -> None:
        """Adds the next rows, which must be contiguous in memory."""
        content = piece.reshape(-1).view(np.uint8).data
        self.head = zlib.crc32(content[: self._left], self.head)
        self._left = max(0, self._left - len(content))
        self.whole = zlib.crc32(content, self.whole)


class Checksums:
    """The checksums of one file.

    Args:
        attributes: Checksum of the header.
        arrays: Checksums of the first bytes and of all bytes, by array.
    """

    def __init__(self, attributes: int, arrays: Mapping[str, Sequence[int]]) -> None:
        self.attributes, self.arrays = attributes, dict(arrays)

    @classmethod
    def read(cls, file: h5py.File, path: Path) -> Checksums | None:
        """Reads the checksums of a file; None if it has none, as files of version 1.

        Args:
            file: The open file.
            path: For messages.

        Raises:
            StoreError: If they cannot be read, or the attributes differ from what was written.
        """
        with hdf5_errors(path):
            if CHECKSUMS not in file.attrs:
                return None
            try:
                content = parse_json(str(read_attribute(file, CHECKSUMS)), path)
                found = cls(
                    int(content["attributes"]),
                    {str(name): [int(value) for value in both] for name, both in content["arrays"].items()},
                )
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise StoreError(f"{path}: its checksums cannot be read; write it again.") from error
            if found.attributes != checksum_of_attributes(file):
                raise StoreError(_changed(path, "its attributes"))
        return found

    def check(self, path: Path, name: str, content: np.ndarray) -> None:
        """Compares a whole array.

        Raises:
            StoreError: If it is not what was written.
        """
        self._compare(path, name, 1, zlib.crc32(content.data))

    def check_head(self, path: Path, name: str, head: np.ndarray) -> None:
        """Compares the first :data:`HEAD_BYTES` bytes of an array.

        Args:
            path: The file.
            name: The array.
            head: Its first bytes, uint8.

        Raises:
            StoreError: If they are not what was written.
        """
        self._compare(path, name, 0, zlib.crc32(head.data))

    def check_sum(self, path: Path, name: str, found: Checksum) -> None:
        """Compares an array whose checksum was computed piece by piece.

        Raises:
            StoreError: If it is not what was written.
        """
        self._compare(path, name, 1, found.whole)

    def _compare(self, path: Path, name: str, which: int, found: int) -> None:
        written = self.arrays.get(name, ())
        if len(written) != 2 or written[which] != found:
            raise StoreError(_changed(path, f"'{name}'"))


def write_checksums(file: h5py.File, arrays: Mapping[str, Checksum]) -> None:
    """Writes the checksums of a file whose other attributes and arrays are complete."""
    content = {
        "attributes": checksum_of_attributes(file),
        "arrays": {name: [each.head, each.whole] for name, each in arrays.items()},
    }
    write_attribute(file, CHECKSUMS, json.dumps(content))


def write_attribute(file: h5py.File, name: str, text: str) -> None:
    """Writes a text of fixed length, which HDF5 keeps with its own checksum; others are kept in a heap without one."""
    content = text.encode()
    kind = h5py.string_dtype("utf-8", max(1, len(content)))
    file.attrs.create(name, np.array(content, dtype=kind), dtype=kind)


def checksum_of_attributes(file: h5py.File) -> int:
    """Checksum of the attributes of the header."""
    return zlib.crc32(json.dumps([read_attribute(file, name) for name in ATTRIBUTES]).encode())


def checksum_of_ids(ids: Sequence[str]) -> Checksum:
    """Checksum of video ids, which does not depend on how they are stored."""
    found = Checksum()
    found.add(np.frombuffer("\n".join(ids).encode(), np.uint8))
    return found


def _changed(path: Path, what: str) -> str:
    return (
        f"{path}: {what} changed since the file was written; it is damaged, write it again. If you changed it on purpose, "
        f"delete its attribute '{CHECKSUMS}'."
    )
