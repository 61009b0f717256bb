"""Reads one HDF5 file for all videos, keyed by video id."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from stgraph.errors import DataError, MissingDataError
from stgraph.features.importers.aligned_streams import JoinedStreams, ReadArray

__all__ = ["open_hdf5", "read_dataset", "read_keyed_hdf5"]


def read_keyed_hdf5(streams: Mapping[str, tuple[str | Path, str]], *, common: bool = False) -> JoinedStreams:
    """Reads HDF5 files that are keyed by video id; the layout is detected from the content.

    The array of a video is ``/ID`` (one stream per file), ``/NAME/ID`` or ``/ID/NAME``.

    Args:
        streams: File and NAME of "appearance" (``[T, D]``), "motion" (``[C, D]``) or both; NAME is "" if ``/ID`` is the
            array. ``[D]`` is a single vector.
        common: Whether to skip videos that lack a stream; otherwise iteration raises an error that names them.

    Returns:
        The videos, read one at a time.

    Raises:
        MissingDataError: If a file does not exist, or has nothing of that name.
        DataError: If a file is not HDF5, or has another layout.
        OptionError: If a stream has another name.
    """
    found: dict[str, dict[str, ReadArray]] = {}
    known: set[str] = set()
    for stream, (path, name) in streams.items():
        found[stream], more = _videos(Path(path), name)
        known |= more
    return JoinedStreams(found, common, frozenset(known))


def open_hdf5(path: Path) -> h5py.File:
    """Opens an HDF5 file for reading.

    Raises:
        MissingDataError: If the file does not exist.
        DataError: If it is not HDF5.
    """
    if not path.is_file():
        raise MissingDataError(f"No file at {path}; pass the path of an HDF5 file.")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise DataError(f"{path} is not an HDF5 file, or is damaged: {error}.") from error


def read_dataset(path: Path, name: str) -> np.ndarray:
    """Reads one array and closes the file again.

    Raises:
        MissingDataError: If the file or the array does not exist.
        DataError: If the file is not HDF5.
    """
    with open_hdf5(path) as file:
        if not isinstance(file.get(name), h5py.Dataset):
            raise MissingDataError(f"{path} has no array '{name}', only {', '.join(file) or 'nothing'}.")
        return np.asarray(file[name][()])


def _videos(path: Path, name: str) -> tuple[dict[str, ReadArray], set[str]]:
    """Functions that read each video's array, and all video ids in the file."""
    with open_hdf5(path) as file:
        groups = {key for key in file if isinstance(file[key], h5py.Group)}
        if not name and not groups:
            keys = {key: key for key in file}
        elif not name:
            raise DataError(
                f"{path} has groups, such as '{min(groups)}', instead of an array per video; give the name of the stream."
            )
        elif name in groups:
            keys = {key: f"{name}/{key}" for key in file[name]}
            if nested := next((key for key in keys if isinstance(file[keys[key]], h5py.Group)), None):
                raise DataError(f"{path}: '/{name}/{nested}' must be an array, got a group.")
        else:
            keys = {key: f"{key}/{name}" for key in groups if name in file[key]}
            if not keys:
                some = ", ".join(list(file)[:5])
                raise MissingDataError(
                    f"{path} has neither '/{name}/ID' nor '/ID/{name}'; its top-level keys are {some or 'none'}."
                )
        known = set(keys) if not name or name in groups else set(file)
        return {key: partial(read_dataset, path, place) for key, place in keys.items()}, known
