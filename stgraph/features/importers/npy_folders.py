"""One ``.npy`` a video and stream: folders such as ``resnet152/ID.npy`` and ``conv3d/ID.npy``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from stgraph.errors import MissingDataError
from stgraph.features.importers.aligned_streams import JoinedStreams

__all__ = ["read_npy_folders"]


def read_npy_folders(folders: Mapping[str, str | Path], *, common: bool = False) -> JoinedStreams:
    """Reads a folder of ``ID.npy`` for each stream; the id is the file's name without ``.npy``.

    Args:
        folders: Folder of "appearance" (``[T, D]``), of "motion" (``[C, D]``), or of both; an array may be
            ``[D]`` where it is a single vector.
        common: Leaves out the videos that some folder lacks; else iterating raises an error that names them.

    Raises:
        MissingDataError: If the folder does not exist, or has no ``.npy`` file.
        OptionError: If there is no such stream.
    """
    return JoinedStreams({stream: _files(Path(folder)) for stream, folder in folders.items()}, common)


def _files(folder: Path) -> dict[str, partial[np.ndarray]]:
    files = sorted(folder.glob("*.npy")) if folder.is_dir() else []
    if not files:
        raise MissingDataError(f"No ID.npy files in {folder}; give the folder that holds them.")
    return {file.stem: partial(np.load, file, allow_pickle=False) for file in files}
