"""Reads one ``.npy`` file per video and stream, such as ``resnet152/ID.npy`` and ``conv3d/ID.npy``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from stgraph.errors import MissingDataError
from stgraph.features.importers.aligned_streams import JoinedStreams

__all__ = ["read_npy_folders"]


def read_npy_folders(folders: Mapping[str, str | Path], *, common: bool = False) -> JoinedStreams:
    """Reads a folder of ``ID.npy`` per stream; the video id is the file name without ``.npy``.

    Args:
        folders: Folder of "appearance" (``[T, D]``), "motion" (``[C, D]``) or both; ``[D]`` is a single vector.
        common: Whether to skip videos that lack a stream; otherwise iteration raises an error that names them.

    Returns:
        The videos, read one at a time.

    Raises:
        MissingDataError: If a folder does not exist, or has no ``.npy`` file.
        OptionError: If a stream has another name.
    """
    return JoinedStreams({stream: _files(Path(folder)) for stream, folder in folders.items()}, common)


def _files(folder: Path) -> dict[str, partial[np.ndarray]]:
    files = sorted(folder.glob("*.npy")) if folder.is_dir() else []
    if not files:
        raise MissingDataError(f"No ID.npy files in {folder}; pass the folder that contains them.")
    return {file.stem: partial(np.load, file, allow_pickle=False) for file in files}
