"""Reads one ``.npy`` file per video and stream, such as ``resnet152/ID.npy`` and ``conv3d/ID.npy``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

from stgraph.checking import checked
from stgraph.features.importers.aligned_streams import JoinedStreams, ReadArray
from stgraph.features.importers.arrays import read_npy
from stgraph.features.importers.listing import files_of_videos

__all__ = ["read_npy_folders"]


@checked
def read_npy_folders(folders: Mapping[str, str | Path], *, common: bool = False) -> JoinedStreams:
    """Reads a folder of ``ID.npy`` per stream; the video id follows from the path by :func:`stgraph.video.video_id_of`.

    Subfolders are part of the id (``sub/ID.npy``), except those that are another stream's folder. Hidden files such as
    ``._ID.npy`` are ignored.

    Args:
        folders: Folder of "appearance" (``[T, D]``), "motion" (``[C, D]``) or both; ``[D]`` is a single vector.
        common: Whether to skip videos that lack a stream; otherwise iteration raises an error that names them.

    Returns:
        The videos, read one at a time.

    Raises:
        MissingDataError: If a folder does not exist, or has no ``.npy`` file.
        DataError: If two files are of the same video, or a name is no valid id.
        OptionError: If a stream has another name.
    """
    every = {stream: Path(folder) for stream, folder in folders.items()}
    return JoinedStreams({stream: _arrays(path, every.values()) for stream, path in every.items()}, common)


def _arrays(folder: Path, every: Collection[Path]) -> dict[str, ReadArray]:
    skip = [other for other in every if other != folder]
    files = files_of_videos(folder, (".npy",), skip)
    return {video_id: partial(read_npy, file) for video_id, file in files.items()}
