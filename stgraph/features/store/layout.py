"""Checks what an HDF5 file says about its arrays before anything of them is read or mapped.

A store may come from anywhere, and HDF5 can describe far more than a store needs: types that hold pointers, links and
storage in other files, filters that are loaded as plugins, sizes without data. Only what the format names is accepted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5o, h5s, h5t, h5z

from stgraph.errors import StgraphError, StoreError
from stgraph.features.store.schema import IDS, Column, pointer_path
from stgraph.features.streams import GRID

__all__ = ["Array", "LayoutError", "check_layout", "hdf5_errors"]

FILTERS = (h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32, h5z.FILTER_LZF)
DEFLATE_RATIO = 1032
"""Deflate cannot compress better than 1 : 1032, so an array of a larger size has no such data in the file."""
LARGEST_CHUNK = 1 << 28
"""Bytes of a decompressed chunk, which HDF5 reads as a whole."""
LARGEST_LOADED = 1 << 28
"""Bytes of compressed ids or pointers, which are loaded as a whole."""
REFERENCE = 16
"""Bytes in the file of a text of variable length: its own length, and its place in a heap."""


class LayoutError(StoreError):
    """A file's arrays are not those of a store; ``problems`` lists everything that was found."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(problems[0])
        self.problems = problems


@dataclass(frozen=True)
class Array:
    """One array of a file, whose type, shape and storage were checked.

    Args:
        dataset: To read it by.
        shape: Its axes.
        dtype: Its type.
        offset: Position of its first byte in the file; None if it is stored in chunks.
    """

    dataset: h5py.Dataset
    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int | None

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


def check_layout(
    file: h5py.File, path: Path, size: int, columns: Iterable[Column], levels: Iterable[str]
) -> dict[str, Array]:
    """Checks links, type, shape and storage of all arrays of a store.

    Args:
        file: The open file.
        path: For messages.
        size: Its size in bytes.
        columns: The arrays of the store, except ids and pointers.
        levels: Levels below ``video``; each has pointers.

    Returns:
        The arrays by name.

    Raises:
        LayoutError: If an array is missing, linked from elsewhere, of another type or shape, or without all of its data.
    """
    problems: list[str] = []
    groups: dict[bytes, Any] = {}
    arrays: dict[str, Array] = {}
    wanted = [Column(IDS, "video", "id", ())]
    wanted += [Column(pointer_path(level), level, "int64", ()) for level in levels]
    for column in [*wanted, *columns]:
        loaded = column in wanted
        try:
            with hdf5_errors(path):
                found = _find(file, column.path, groups)
                _check_type(found, column)
                _check_shape(found, column)
                shape = found.shape
                offset = _check_storage(found, shape, size, loaded=loaded)
        except _FaultError as fault:
            problems.append(f"{path}: '{column.path}' {fault}; write it again.")
        except StoreError as error:
            problems.append(str(error))
        else:
            dtype = np.dtype(object if column.path == IDS else column.dtype)
            arrays[column.path] = Array(h5py.Dataset(found), shape, dtype, offset)
    problems += [f"{path}: {text}; write it again." for text in _overlaps(arrays)]
    if problems:
        raise LayoutError(problems)
    return arrays


@contextmanager
def hdf5_errors(path: Path) -> Iterator[None]:
    """Turns whatever a damaged file makes HDF5 raise into a ``StoreError``."""
    try:
        yield
    except (StgraphError, _FaultError):
        raise
    except Exception as error:  # h5py raises ten kinds, among them KeyError and SystemError
        reason = " ".join(str(error.args[0] if error.args else error).split())[:160]
        raise StoreError(
            f"{path} is damaged, HDF5 cannot read all of it ({reason}); write it again."
        ) from error


class _FaultError(Exception):
    """What is wrong with one array; the caller knows its name."""


def _find(file: h5py.File, name: str, groups: dict[bytes, Any]) -> h5d.DatasetID:
    """Opens a dataset through links within the file only; groups are opened once."""
    found: Any = file.id
    *parents, last = name.encode().split(b"/")
    for number, part in enumerate(parents):
        place = b"/".join(parents[: number + 1])
        if place not in groups:
            groups[place] = _step(found, part)
        found = groups[place]
    found = _step(found, last)
    if not isinstance(found, h5d.DatasetID):
        raise _FaultError("is not an array")
    return found


def _step(found: Any, part: bytes) -> Any:
    if not isinstance(found, h5py.h5g.GroupID) or not found.links.exists(part):
        raise _FaultError("is missing, an array of the format")
    if found.links.get_info(part).type != h5py.h5l.TYPE_HARD:
        raise _FaultError("is a link, which may lead out of the file")
    return h5o.open(found, part)


def _check_type(found: h5d.DatasetID, column: Column) -> None:
    kind = found.get_type()
    if column.path == IDS:
        if not isinstance(kind, h5t.TypeStringID):
            raise _FaultError(f"is of type {_name(kind)} and should be text")
    elif not kind.equal(h5t.py_create(np.dtype(column.dtype))):
        raise _FaultError(f"is of type {_name(kind)} and should be {column.dtype}")


def _name(kind: h5t.TypeID) -> str:
    try:
        return str(kind.dtype)
    except (TypeError, ValueError, NotImplementedError):  # not every type of HDF5 has a counterpart
        return "another kind"


def _check_shape(found: h5d.DatasetID, column: Column) -> None:
    space = found.get_space()
    if space.get_simple_extent_type() != h5s.SIMPLE:
        raise _FaultError("is a single value or empty and should have rows")
    shape = space.get_simple_extent_dims()
    tail = column.tail
    axes = 1 + (len(tail) if tail is not None else 2 if column.level.startswith(GRID) else 1)
    if len(shape) != axes or (tail is not None and shape[1:] != tail):
        raise _FaultError(f"has the axes {list(shape)} and should have {_axes(axes, tail)}")
    if math.prod(shape[1:]) > 2**31:
        raise _FaultError(f"has rows of {list(shape[1:])} values")


def _axes(number: int, tail: tuple[int, ...] | None) -> str:
    return str(number) if tail is None else str(["rows", *tail]).replace("'", "")


def _check_storage(
    found: h5d.DatasetID, shape: tuple[int, ...], file_size: int, *, loaded: bool
) -> int | None:
    """Returns the offset of a contiguous array, and None for one in chunks; all of their data are in the file."""
    kind, stored = found.get_type(), found.get_storage_size()
    itemsize = kind.get_size()
    if isinstance(kind, h5t.TypeStringID) and kind.is_variable_str():
        itemsize = REFERENCE  # to the text in a heap, of which HDF5 tells the size in memory
    size = math.prod(shape) * itemsize
    plan = found.get_create_plist()
    layout = plan.get_layout()
    if layout == h5d.VIRTUAL or plan.get_external_count():
        raise _FaultError("has its values in another file")
    if layout == h5d.CONTIGUOUS:
        if not size:
            return 0
        offset = found.get_offset()
        if offset is None or stored != size:
            raise _FaultError(f"has {stored} bytes of data and should have {size}")
        if offset + size > file_size:
            raise _FaultError("ends beyond the end of the file, which is truncated or damaged")
        return int(offset)
    if layout != h5d.CHUNKED:
        raise _FaultError("is stored neither contiguously nor in chunks")
    if plan.get_nfilters() and itemsize == REFERENCE:
        raise _FaultError("is compressed text of variable length")
    for number in range(plan.get_nfilters()):
        if plan.get_filter(number)[0] not in FILTERS:
            raise _FaultError("is compressed by a filter other than gzip or lzf")
    chunk = plan.get_chunk()
    largest = DEFLATE_RATIO * min(stored, file_size) if plan.get_nfilters() else min(stored, file_size)
    if size > largest or math.prod(chunk) * itemsize > LARGEST_CHUNK or (loaded and size > LARGEST_LOADED):
        raise _FaultError(f"claims {size} bytes in chunks of {list(chunk)}, more than its data can hold")
    if size and found.get_num_chunks() != math.prod(
        -(-axis // step) for axis, step in zip(shape, chunk, strict=True)
    ):
        raise _FaultError("lacks some of its chunks")
    return None


def _overlaps(arrays: dict[str, Array]) -> list[str]:
    extents = sorted(
        (array.offset, array.offset + array.dataset.id.get_storage_size(), name)
        for name, array in arrays.items()
        if array.offset is not None and array.size
    )
    return [
        f"'{first[2]}' and '{second[2]}' share bytes of the file"
        for first, second in pairwise(extents)
        if second[0] < first[1]
    ]
