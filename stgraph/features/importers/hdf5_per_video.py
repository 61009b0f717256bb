"""Reads one HDF5 file per video, with an array per stream."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from stgraph.checking import checked
from stgraph.errors import shown
from stgraph.features.importers.aligned_streams import JoinedStreams, ReadArray
from stgraph.features.importers.keyed_hdf5 import find_member, open_hdf5, read_dataset
from stgraph.features.importers.listing import files_of_videos

__all__ = ["read_hdf5_per_video"]


@checked
def read_hdf5_per_video(
    folder: str | Path, streams: Mapping[str, str], *, common: bool = False
) -> JoinedStreams:
    """Reads a folder of ``ID.h5`` or ``ID.hdf5``; the video id follows from the path by :func:`stgraph.video.video_id_of`.

    Subfolders are part of the id (``sub/ID.h5``). Hidden files are ignored.

    Args:
        folder: The folder of the files.
        streams: Array name in the file of "appearance" (``[T, D]``), "motion" (``[C, D]``) or both; ``[D]`` is a single
            vector.
        common: Whether to skip videos that lack a stream; otherwise iteration raises an error that names them.

    Returns:
        The videos, read one at a time.

    Raises:
        MissingDataError: If the folder does not exist or has no such files, or no video has a stream.
        DataError: If a file is not HDF5, a video has two files, or a name is no valid id.
        OptionError: If a stream has another name.
    """
    files = files_of_videos(Path(folder), (".h5", ".hdf5"))
    found: dict[str, dict[str, ReadArray]] = {stream: {} for stream in streams}
    for video_id, path in files.items():
        with open_hdf5(path) as file:
            have = [
                stream
                for stream, name in streams.items()
                if find_member(file, name.strip("/"), shown(path)) is not None
            ]
        for stream in have:
            found[stream][video_id] = partial(read_dataset, path, streams[stream])
    return JoinedStreams(found, common, frozenset(files))
