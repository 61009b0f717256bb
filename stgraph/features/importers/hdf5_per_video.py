"""Reads one HDF5 file per video, with an array per stream."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from stgraph.errors import DataError, MissingDataError
from stgraph.features.importers.aligned_streams import JoinedStreams, ReadArray
from stgraph.features.importers.keyed_hdf5 import open_hdf5, read_dataset

__all__ = ["read_hdf5_per_video"]


def read_hdf5_per_video(
    folder: str | Path, streams: Mapping[str, str], *, common: bool = False
) -> JoinedStreams:
    """Reads a folder of ``ID.h5`` or ``ID.hdf5``; the video id is the file name without its extension.

    Args:
        folder: The folder of the files.
        streams: Array name in the file of "appearance" (``[T, D]``), "motion" (``[C, D]``) or both; ``[D]`` is a single
            vector.
        common: Whether to skip videos that lack a stream; otherwise iteration raises an error that names them.

    Returns:
        The videos, read one at a time.

    Raises:
        MissingDataError: If the folder does not exist or has no such files, or no video has a stream.
        DataError: If a file is not HDF5, or a video has two files.
        OptionError: If a stream has another name.
    """
    folder = Path(folder)
    files = sorted(folder.glob("*.h5")) + sorted(folder.glob("*.hdf5")) if folder.is_dir() else []
    if not files:
        raise MissingDataError(f"No ID.h5 or ID.hdf5 files in {folder}; pass the folder that contains them.")
    found: dict[str, dict[str, ReadArray]] = {stream: {} for stream in streams}
    seen: dict[str, Path] = {}
    for path in files:
        if path.stem in seen:
            raise DataError(f"Video '{path.stem}' has two files, {seen[path.stem]} and {path}; remove one.")
        seen[path.stem] = path
        with open_hdf5(path) as file:
            have = {stream for stream, name in streams.items() if name in file}
        for stream in have:
            found[stream][path.stem] = partial(read_dataset, path, streams[stream])
    return JoinedStreams(found, common, frozenset(seen))
