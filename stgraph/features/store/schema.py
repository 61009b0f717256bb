"""Layout of a feature store: its arrays, their levels and their paths in the file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stgraph.errors import MissingDataError, OptionError
from stgraph.features.streams import GRID

FORMAT = "stgraph-features"
VERSION = 2
"""Since version 2, ids and attributes have a fixed length, and checksums are stored; version 1 is read as well."""
DTYPES = ("float16", "float32")
IDS = "video/id"

FEATURE_PATHS = {"appearance": "frame/appearance", "motion": "clip/motion", "object": "object/feature"}
ONE_FILE = (".h5", ".hdf5")

_GRID = re.compile(re.escape(GRID) + r"[A-Za-z0-9_.-]+")
_SHARD = re.compile(r"shard-(\d+)\.h5")
# level: its columns (path, dtype, sizes of the axes after the row axis)
_FIXED: dict[str, tuple[tuple[str, str, tuple[int, ...]], ...]] = {
    "video": (
        ("video/height", "int64", ()),
        ("video/width", "int64", ()),
        ("video/fps", "float64", ()),
        ("video/num_frames", "int64", ()),
    ),
    "frame": (("frame/index", "int64", ()), ("frame/time", "float32", ())),
    "clip": (("clip/start", "int64", ()),),
    "object": (
        ("object/box", "float32", (4,)),
        ("object/score", "float32", ()),
        ("object/label", "int64", ()),
        ("object/track", "int64", ()),
    ),
}


@dataclass(frozen=True)
class Column:
    """One array; ``tail`` holds the sizes of the axes after the row axis, None for features, whose width varies."""

    path: str
    level: str
    dtype: str
    tail: tuple[int, ...] | None


def check_streams(streams: Iterable[str]) -> None:
    """Checks the names of streams.

    Raises:
        OptionError: If a name is not "appearance", "motion", "object" or "grid/NAME".
    """
    for stream in streams:
        if stream not in FEATURE_PATHS and not _GRID.fullmatch(stream):
            raise OptionError(
                f"'{stream}' is not a stream of a store; use 'appearance', 'motion', 'object' or 'grid/NAME' "
                "(letters, digits, '_', '.', '-')."
            )


def level_of(stream: str) -> str:
    """Level of a stream's rows: frame, clip, object, or the grid itself."""
    return {"appearance": "frame", "motion": "clip", "object": "object"}.get(stream, stream)


def feature_path(stream: str) -> str:
    """Path of a stream's features in the file.

    >>> feature_path("motion"), feature_path("grid/cells")
    ('clip/motion', 'grid/cells/feature')
    """
    return FEATURE_PATHS.get(stream, f"{stream}/feature")


def pointer_path(level: str) -> str:
    """Path of a level's pointers, which give each parent's rows; frames are the parents of objects, videos of all else."""
    return f"{level}/ptr" if level.startswith(GRID) else f"{level}_ptr"


def levels(streams: Iterable[str]) -> list[str]:
    """Lists the levels below ``video`` in a store with these streams; frames always are one."""
    return list(dict.fromkeys(["frame", *(level_of(stream) for stream in sorted(streams))]))


def columns(streams: Iterable[str], dtype: str) -> list[Column]:
    """Lists all arrays of a store with these streams, except ids and pointers."""
    streams = sorted(streams)
    found = []
    for level in ("video", *levels(streams)):
        own = _FIXED.get(level, ((f"{level}/start", "int64", ()),))
        found += [Column(path, level, kind, tail) for path, kind, tail in own]
    return found + [Column(feature_path(stream), level_of(stream), dtype, None) for stream in streams]


def is_one_file(path: Path) -> bool:
    """Whether the name of a store is that of one file; otherwise it is a folder of shards."""
    return path.suffix.lower() in ONE_FILE


def shard_number(path: Path) -> int:
    """Number of a shard from its file name, -1 for other files."""
    match = _SHARD.fullmatch(path.name)
    return int(match[1]) if match else -1


def shard_name(number: int) -> str:
    """File name of a shard: ``shard-00000.h5``."""
    return f"shard-{number:05d}.h5"


def shard_files(path: Path) -> list[Path]:
    """Lists the files of a store in order.

    Raises:
        MissingDataError: If the path does not exist, or is a folder without shards.
    """
    if path.is_dir():
        files = sorted((file for file in path.iterdir() if shard_number(file) >= 0), key=shard_number)
        if not files:
            raise MissingDataError(
                f"No shards (shard-00000.h5, ...) in folder {path}; is this a feature store?"
            )
        return files
    if not path.exists():
        raise MissingDataError(
            f"No feature store at {path}; write one with 'stgraph extract' or FeatureStoreWriter."
        )
    return [path]
