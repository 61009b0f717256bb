"""Reads arrays of ``.npy`` and ``.npz`` files without unpickling or allocating more than the file holds."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np

from stgraph.errors import DataError, shown
from stgraph.regular_files import check_regular

__all__ = ["read_npy", "read_npz"]

MAGIC = b"\x93NUMPY"
HEADERS = {
    (1, 0): (2, np.lib.format.read_array_header_1_0),
    (2, 0): (4, np.lib.format.read_array_header_2_0),
    (3, 0): (4, np.lib.format.read_array_header_2_0),  # the same in UTF-8, which only names of fields need
}
"""Bytes that hold the length of a header, and what reads the header, by version of the format."""


def read_npy(path: Path) -> np.ndarray:
    """Reads the array of a ``.npy`` file.

    Raises:
        MissingDataError: If there is no such file.
        DataError: If it is not a ``.npy`` file, is cut off, or holds Python objects.
    """
    check_regular(path)
    try:
        with path.open("rb") as file:
            return _array(file, path.stat().st_size, shown(path))
    except OSError as error:
        raise DataError(f"{shown(path)} can't be read: {error.strerror or error}.") from error


def read_npz(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Reads named arrays of a ``.npz`` file.

    Raises:
        MissingDataError: If there is no such file.
        DataError: If it is not a ``.npz`` file, is damaged, lacks an array or holds Python objects.
    """
    check_regular(path)
    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.removesuffix(".npy"): member for member in archive.namelist()}
            for name in names:
                if name not in members:
                    raise DataError(
                        f"{shown(path)} has no array '{name}', only {shown(', '.join(members) or 'nothing')}; it must "
                        f"have {' and '.join(names)}."
                    )
                with archive.open(members[name]) as file:
                    size = archive.getinfo(members[name]).file_size
                    found[name] = _array(file, size, f"{shown(path)}: '{name}'")
    except (DataError, MemoryError):
        raise
    except Exception as error:  # zipfile and what unpacks may raise anything for a damaged file
        raise DataError(
            f"{shown(path)} is damaged or not a .npz file ({shown(error)}); write it again."
        ) from error
    return found


def _array(file: IO[bytes], size: int, where: str) -> np.ndarray:
    """The array in an open file of ``size`` bytes. NumPy's own messages advise options that run code of the file."""
    begin = file.read(len(MAGIC))
    if begin != MAGIC:
        kind = "an archive of arrays (.npz)" if begin.startswith(b"PK") else "not a .npy file"
        raise DataError(f"{where} is {kind}; write one array per file with numpy.save.")
    file.seek(0)
    try:
        version = np.lib.format.read_magic(file)
        width, read = HEADERS[version]
        if int.from_bytes(file.read(width), "little") > size:  # NumPy allocates what the header claims
            raise ValueError("the header is longer than the file")
        file.seek(len(MAGIC) + 2)
        shape, _, dtype = read(file)
    except Exception as error:  # the header is a Python literal, whose parser may raise anything
        raise DataError(f"{where} has a damaged header; write it again with numpy.save.") from error
    if dtype.hasobject:
        raise DataError(
            f"{where} holds Python objects, which can run code and are not read; save an array of numbers, such as "
            "numpy.stack(vectors).astype('float32')."
        )
    if math.prod(shape) * dtype.itemsize != size - file.tell():
        raise DataError(
            f"{where} should hold {dtype} {list(shape)} but has {size - file.tell()} bytes of it; is it cut off? Write "
            "it again."
        )
    file.seek(0)
    try:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    except ValueError as error:
        raise DataError(f"{where} is damaged ({shown(error)}); write it again with numpy.save.") from error
