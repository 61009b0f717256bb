"""One HDF5 file a video, with an array for each stream."""

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
    """Reads a folder of ``ID.h5`` or ``ID.hdf5``; the id is the file's name without its ending.

    Args:
        folder: Where the files are.
        streams: Name in the file of "appearance" (``[T, D]``), of "motion" (``[C, D]``), or of both; an array
            may be ``[D]`` where it is a single vector.
        common: Leaves out the videos that lack some stream; else iterating raises an error that names them.

    Raises:
        MissingDataError: If the folder or a file in it does not exist, or no video has a stream.
        DataError: If a file is not HDF5, or a video has two files.
        OptionError: If there is no such stream.
    """
    folder = Path(folder)
    files = sorted(folder.glob("*.h5")) + sorted(folder.glob("*.hdf5")) if folder.is_dir() else []
    if not files:
        raise MissingDataError(f"No ID.h5 or ID.hdf5 files in {folder}; give the folder that holds them.")
    found: dict[str, dict[str, ReadArray]] = {stream: {} for stream in streams}
    seen: dict[str, Path] = {}
    for path in files:
        if path.stem in seen:
            raise DataError(f"Video '{path.stem}' has two files, {seen[path.stem]} and {path}; drop one.")
        seen[path.stem] = path
        with open_hdf5(path) as file:
            have = {stream for stream, name in streams.items() if name in file}
        for stream in have:
            found[stream][path.stem] = partial(read_dataset, path, streams[stream])
    return JoinedStreams(found, common, frozenset(seen))
