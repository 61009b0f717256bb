"""Opens one HDF5 file of a store and reads its attributes."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

import h5py

from stgraph.errors import MissingDataError, StoreError
from stgraph.features.store.guarded_file import GuardedFile
from stgraph.features.store.layout import hdf5_errors
from stgraph.features.store.provenance import Header, decode_records
from stgraph.features.store.schema import FORMAT, VERSION
from stgraph.parsing import parse_json

__all__ = ["ATTRIBUTES", "StoreFile", "read_attribute", "read_header"]

ATTRIBUTES = ("format", "version", "extractors", "label_names", "dtype")
LARGEST_ATTRIBUTE = 1 << 24  # bytes


class StoreFile:
    """One HDF5 file, open for reading through one descriptor.

    HDF5 and stgraph read through this descriptor: the path may lead to another file by now, as a writer replaces a store
    of one file that it appends to.

    Args:
        path: The file.

    Raises:
        MissingDataError: If the file does not exist.
        StoreError: If it is not an HDF5 file, is truncated, or cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.source = path, _open_regular(path)
        self.size = self.source.size
        try:
            # A finished shard never changes, so HDF5's locks, which some file systems lack, are not needed.
            self.hdf5 = h5py.File(self.source, "r", locking=False)
        except Exception as error:  # damaged files make h5py raise errors of many kinds
            self.source.close()
            raise StoreError(
                f"{path} cannot be opened as HDF5 ({_first_line(error)}); it is truncated or not an HDF5 file; "
                "write it again."
            ) from error

    def trust(self) -> None:
        """Ends the checks of each read, once all texts have been read."""
        self.source.checking = False

    def close_hdf5(self) -> None:
        """Ends the reading through HDF5; contiguous arrays stay readable."""
        with suppress(Exception):  # a damaged file may raise here as well
            self.hdf5.close()

    def close(self) -> None:
        """Closes the file."""
        self.close_hdf5()
        self.source.close()


def _open_regular(path: Path) -> GuardedFile:
    try:
        handle = _handle(path)
    except FileNotFoundError as error:
        raise MissingDataError(f"No feature store at {path}; check the path.") from error
    except OSError as error:
        if error.errno == errno.EMFILE:
            raise StoreError(
                f"{path} cannot be opened: a store keeps each of its files open, and this process may open no more; raise "
                "'ulimit -n' above their number, with which 'stgraph store merge NEW.h5 STORE' also joins them into one."
            ) from error
        raise StoreError(
            f"{path} cannot be read ({error.strerror or error}); check its permissions."
        ) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise StoreError(
            f"{path} is not a regular file, but a store consists of such files; name another path."
        )
    return GuardedFile(handle)


def _handle(path: Path) -> int:
    # Without O_NONBLOCK, opening a FIFO would wait for a writer.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        return os.open(path, flags)
    except OSError as error:
        if error.errno != errno.EMFILE or not _allow_more_files():
            raise
        return os.open(path, flags)


def _allow_more_files() -> bool:
    """Raises the number of files that this process may open to what the system allows, usually from 1,024 to far more."""
    try:
        import resource
    except ImportError:  # Windows
        return False
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return False
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return True


def read_header(file: h5py.File, path: Path) -> Header:
    """Reads the header of a file.

    Raises:
        StoreError: If it has another format or a newer version, or its attributes are invalid.
    """
    with hdf5_errors(path):
        form, version = read_attribute(file, "format"), read_attribute(file, "version")
    if form != FORMAT or not isinstance(version, int):
        raise StoreError(
            f"{path} is HDF5 but not a feature store (format {str(form)[:80]!r}); convert it with an importer."
        )
    if not 1 <= version <= VERSION:
        raise StoreError(
            f"{path} is a feature store of version {version}, this stgraph reads 1 to {VERSION}; update stgraph."
        )
    try:
        with hdf5_errors(path):
            texts = {name: read_attribute(file, name) for name in ATTRIBUTES[2:]}
        records, names, dtype = (_text(name, value) for name, value in texts.items())
        labels = parse_json(names, "label_names")
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise TypeError("'label_names' must be a list of texts")
        return Header(decode_records(records), tuple(labels), dtype)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(
            f"{path}: the store's attributes cannot be read ({str(error)[:160]}); write it again."
        ) from error


def read_attribute(file: h5py.File, name: str) -> str | int | None:
    """Reads a text or an integer of the file's attributes; None if it is missing or of another type."""
    if not h5py.h5a.exists(file.id, name.encode()):
        return None
    attribute = h5py.h5a.open(file.id, name.encode())
    kind, space = attribute.get_type(), attribute.get_space()
    scalar = space.get_simple_extent_type() == h5py.h5s.SCALAR
    if not scalar or attribute.get_storage_size() > LARGEST_ATTRIBUTE:
        return None
    if isinstance(kind, h5py.h5t.TypeIntegerID):
        return int(file.attrs[name])
    if not isinstance(kind, h5py.h5t.TypeStringID):
        return None
    value = file.attrs[name]
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _text(name: str, value: str | int | None) -> str:
    if not isinstance(value, str):
        raise TypeError(f"'{name}' must be a text")
    return value


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
