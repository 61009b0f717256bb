"""File for HDF5 to read, which checks texts of variable length before HDF5 reads them.

Version 1 of the format has such texts. In the file they are references into heaps: length, position of the heap, number of
the object. HDF5 2.0 allocates whatever length a reference claims, up to 4 GB, and reads a heap for ever if one of its
objects claims no bytes.
"""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np

__all__ = ["GuardedFile"]

HEAP = b"GCOL\x01"
REFERENCE = 16
HEADER = 16  # bytes of the header of a heap, and of each object in it
LARGEST = 1 << 24  # bytes of a text or of a heap


class GuardedFile(io.FileIO):
    """A file that is open for reading.

    Args:
        handle: Its descriptor, which is closed with the file.

    Attributes:
        size: Its size in bytes when it was opened.
        checking: Whether reads are checked.
    """

    def __init__(self, handle: int) -> None:
        super().__init__(handle, "r")
        self.size = os.fstat(handle).st_size
        self.checking = True
        self._checked: set[int] = set()
        self._heaps: dict[int, int] = {}  # sizes of those that HDF5 has begun to read, by position

    def __del__(self) -> None:
        self.close()  # a store is closed when nothing refers to it any more, without a warning

    def readinto(self, buffer: Any) -> int | None:
        """Reads as the base class does; raises ``OSError``, which HDF5 reports, for an impossible reference."""
        place = self.tell()
        number = super().readinto(buffer)
        if number and self.checking:
            read = bytes(memoryview(buffer).cast("B")[:number])
            if read.startswith(HEAP):
                self._heaps[place] = int.from_bytes(read[8:HEADER], "little")
                self._check_heap(place, self._heaps[place])
            elif not any(heap <= place < heap + size for heap, size in self._heaps.items()):
                self._check(read)  # texts in a heap are followed by numbers that look like references
        return number

    def _check(self, read: bytes) -> None:
        """Checks all references in what HDF5 is about to interpret; they may start at any byte."""
        if len(read) < REFERENCE:
            return
        # Overlapping views: the length that starts at each byte; the position of a heap and a number that follow it.
        count = len(read) - REFERENCE + 1
        lengths = np.ndarray(count, "<u4", read, strides=(1,))
        places = np.ndarray(count, "<u8", read, offset=4, strides=(1,))
        numbers = np.ndarray(count, "<u4", read, offset=12, strides=(1,))
        inside = np.flatnonzero((places <= self.size - HEADER) & (numbers >= 1) & (numbers <= 0xFFFF))
        known: dict[int, int | None] = {}
        for place in {int(place) for place in places[inside]}:
            header = self._read_at(place, HEADER)
            known[place] = int.from_bytes(header[8:], "little") if header.startswith(HEAP) else None
        inside = inside[[known[int(place)] is not None for place in places[inside]]]
        if (lengths[inside] > LARGEST).any():
            raise OSError("a text has an impossible length")
        for place, size in known.items():
            if size is not None and place not in self._checked:
                self._checked.add(place)
                self._check_heap(place, size)

    def _read_at(self, place: int, count: int) -> bytes:
        """Reads bytes at a place, and goes back."""
        here = self.tell()
        try:
            self.seek(place)
            return self.read(count) or b""
        finally:
            self.seek(here)

    def _check_heap(self, place: int, size: int) -> None:
        if not HEADER <= size <= LARGEST:
            raise OSError("a heap has an impossible size")
        heap, at = self._read_at(place, size), HEADER
        while at + HEADER <= len(heap):
            used = int.from_bytes(heap[at + 8 : at + HEADER], "little")
            # The object with number 0 is the free space, whose size includes its header.
            step = HEADER + -(-used // 8) * 8 if any(heap[at : at + 2]) else used
            if step < HEADER or at + step > size:
                raise OSError("an object of a heap has an impossible size")
            at += step
