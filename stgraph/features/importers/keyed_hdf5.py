"""One HDF5 file of all videos, keyed by video id."""

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
    """Reads HDF5 files that are keyed by video id; what a file holds says which layout it is.

    Layouts: ``/ID`` is the array (one stream a file); ``/NAME/ID`` is; or ``/ID/NAME`` is.

    Args:
        streams: The file and NAME of "appearance" (``[T, D]``), of "motion" (``[C, D]``), or of both; NAME is ""
            where ``/ID`` is the array. An array may be ``[D]`` where it is a single vector.
        common: Leaves out the videos that some stream lacks; else iterating raises an error that names them.

    Raises:
        MissingDataError: If the file does not exist, or has nothing of that name.
        DataError: If it is not HDF5, or has another layout.
        OptionError: If there is no such stream.
    """
    found: dict[str, dict[str, ReadArray]] = {}
    known: set[str] = set()
    for stream, (path, name) in streams.items():
        found[stream], more = _videos(Path(path), name)
        known |= more
    return JoinedStreams(found, common, frozenset(known))


def open_hdf5(path: Path) -> h5py.File:
    """Opens a file for reading.

    Raises:
        MissingDataError: If the file does not exist.
        DataError: If it is not HDF5.
    """
    if not path.is_file():
        raise MissingDataError(f"No file at {path}; give the path of an HDF5 file.")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise DataError(f"{path} is not an HDF5 file, or is damaged: {error}.") from error


def read_dataset(path: Path, name: str) -> np.ndarray:
    """Reads one array; the file is open for that long only.

    Raises:
        MissingDataError: If the file or the array does not exist.
        DataError: If the file is not HDF5.
    """
    with open_hdf5(path) as file:
        if not isinstance(file.get(name), h5py.Dataset):
            raise MissingDataError(f"{path} has no array '{name}', only {', '.join(file) or 'nothing'}.")
        return np.asarray(file[name][()])


def _videos(path: Path, name: str) -> tuple[dict[str, ReadArray], set[str]]:
    """What reads each video's array, and all ids of which the file tells."""
    with open_hdf5(path) as file:
        groups = {key for key in file if isinstance(file[key], h5py.Group)}
        if not name and not groups:
            keys = {key: key for key in file}
        elif not name:
            raise DataError(
                f"{path} has groups, such as '{min(groups)}', and no array a video; name the stream."
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
                    f"{path} has neither '/{name}/ID' nor '/ID/{name}'; at its top are {some or 'nothing'}."
                )
        known = set(keys) if not name or name in groups else set(file)
        return {key: partial(read_dataset, path, place) for key, place in keys.items()}, known
