"""Reads pickles that hold plain values and arrays of numbers, and runs nothing that they name."""

from __future__ import annotations

import io
import math
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from stgraph.checking import checked
from stgraph.errors import DataError, shown
from stgraph.regular_files import check_regular

__all__ = ["PickledArray", "read_plain_pickle"]

MOST_BYTES = 2 << 30
KINDS = "biuf"  # of arrays: no objects, no texts


class _Refused(Exception):
    """A pickle asks for something that is not a plain value."""


class _DType:
    """Stands for ``numpy.dtype`` while a pickle is read."""

    __slots__ = ("text",)

    def __init__(self, text: object, *_: object) -> None:
        if not isinstance(text, str) or len(text) > 4 or not text.lstrip("<>|=").isalnum():
            raise _Refused("an array of an unusual type")
        self.text = text.lstrip("<>|=")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1]
        if order not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise _Refused("an array of an unusual type")
        self.text = ("<" if order == "=" else order) + self.text

    def real(self) -> np.dtype:
        """The type of numbers that it names."""
        dtype = np.dtype(self.text)
        if dtype.kind not in KINDS:
            raise _Refused(f"an array of {dtype.name}")
        return dtype


@checked
class PickledArray:
    """An array of numbers in a pickle; :meth:`numpy` makes the array."""

    __slots__ = ("_dtype", "_fortran", "_raw", "_shape")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, self._shape, self._dtype, self._fortran, self._raw = state
        self.numpy()

    def numpy(self) -> np.ndarray:
        """The array, as a copy."""
        raw, shape = self._raw, self._shape
        if not isinstance(self._dtype, _DType) or not isinstance(raw, bytes | bytearray):
            raise _Refused("an array that is not of numbers")
        if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
            raise _Refused("an array without a shape")
        dtype = self._dtype.real()
        if math.prod(shape) * dtype.itemsize != len(raw):
            raise _Refused("an array whose bytes do not fill it")
        flat = np.frombuffer(bytes(raw), dtype)
        return flat.reshape(shape, order="F" if self._fortran else "C").copy()


def _new_array(*_: object) -> PickledArray:
    return PickledArray()


def _from_buffer(raw: object, dtype: object, shape: object, order: object = "C") -> PickledArray:
    array = PickledArray()
    array.__setstate__((1, shape, dtype, order == "F", raw))
    return array


def _scalar(dtype: object, raw: object) -> float | int | bool:
    array = _from_buffer(raw, dtype, ())
    return array.numpy().item()


def _encode(text: object, encoding: object) -> bytes:
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise _Refused("an encoded text")
    return text.encode("latin-1")


def _no_bytes(*arguments: object) -> bytes:
    if arguments:
        raise _Refused("bytes made of something else")
    return b""


_CORES = ("numpy.core", "numpy._core")
_STAND_INS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): PickledArray,
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): _no_bytes,  # how old protocols write bytes of length 0
    **{(f"{core}.multiarray", "_reconstruct"): _new_array for core in _CORES},
    **{(f"{core}.multiarray", "scalar"): _scalar for core in _CORES},
    **{(f"{core}.numeric", "_frombuffer"): _from_buffer for core in _CORES},
}
"""What a pickle may name, and what is used in its place: none of the named functions is ever called."""


_PythonUnpickler: Any = pickle._Unpickler  # type: ignore[attr-defined]  # typeshed does not list it


class _Unpickler(_PythonUnpickler):
    """Python's unpickler in Python: the one in C allocates as much memory for its memo as the file asks for."""

    def find_class(self, module: str, name: str) -> Any:
        found = _STAND_INS.get((module, name))
        if found is None:
            raise _Refused(f"'{shown(module, 60)}.{shown(name, 60)}'")
        return found

    def get_extension(self, code: int) -> Any:
        raise _Refused(f"the extension {code}")

    def persistent_load(self, pid: Any) -> Any:
        raise _Refused("an object outside the file")

    # Sets, and tuples as keys, would be hashed; the hash of deeply nested tuples overflows the stack.
    def _no_set(self) -> None:
        raise _Refused("a set")

    def _set_item(self) -> None:
        _check_keys(self.stack[-2:-1])
        super().load_setitem()

    def _set_items(self) -> None:
        _check_keys(self.stack[::2])
        super().load_setitems()

    def _dict(self) -> None:
        _check_keys(self.stack[::2])
        super().load_dict()

    def _bytearray(self) -> None:
        """Reads before it allocates, in contrast to Python's own."""
        (length,) = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(length)))

    dispatch: ClassVar[dict[int, Any]] = {
        **_PythonUnpickler.dispatch,
        pickle.BYTEARRAY8[0]: _bytearray,
        pickle.EMPTY_SET[0]: _no_set,
        pickle.FROZENSET[0]: _no_set,
        pickle.SETITEM[0]: _set_item,
        pickle.SETITEMS[0]: _set_items,
        pickle.DICT[0]: _dict,
    }


def _check_keys(keys: list[Any]) -> None:
    if not all(isinstance(key, str | int | float | None) for key in keys):
        raise _Refused("a dictionary whose keys are not texts or numbers")


@checked
def read_plain_pickle(path: str | Path, most_bytes: int = MOST_BYTES) -> Any:
    """Reads a pickle of dictionaries, lists, tuples, texts, numbers and arrays of numbers.

    Nothing that the file names is imported or called. Arrays come as :class:`PickledArray`.

    Args:
        path: The file.
        most_bytes: Larger files are refused.

    Raises:
        MissingDataError: If there is no such file.
        DataError: If it is too large, damaged, or holds anything else.
    """
    path = Path(path)
    check_regular(path)
    if path.stat().st_size > most_bytes:
        raise DataError(f"{shown(path)} is larger than {most_bytes >> 20} MiB; split it into several files.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{shown(path)} can't be read: {error.strerror or error}.") from error
    try:
        # In memory, so that a length in the file that exceeds it allocates nothing.
        return _Unpickler(io.BytesIO(content), encoding="latin1").load()
    except _Refused as error:
        raise DataError(
            f"{shown(path)} holds {error}, and only plain values and arrays of numbers are read from a pickle, as anything "
            "else can run code; save it again as such."
        ) from error
    except Exception as error:  # a damaged pickle may raise anything
        raise DataError(
            f"{shown(path)} is damaged or not a pickle ({type(error).__name__}); get the file again."
        ) from error
