"""Finds the video files of a folder, gives each its id, and divides them into shards."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.video import has_media_ending

__all__ = ["VideoSource", "find_videos", "take_shard"]


@dataclass(frozen=True)
class VideoSource:
    """A video file and its id: the path relative to the searched folder, without the ending (``a/b.mp4`` -> ``a/b``)."""

    id: str
    path: Path


def find_videos(folder: str | Path) -> tuple[list[VideoSource], list[Path]]:
    """Finds the videos of a folder and its subfolders, sorted by path, or takes the single file ``folder``.

    Hidden files and folders are ignored.

    Returns:
        The videos, and the remaining files, whose endings are not those of videos.

    Raises:
        MissingDataError: If the folder doesn't exist or holds no video.
        DataError: If two files have the same id.
    """
    root = Path(folder)
    if root.is_file():
        return [VideoSource(root.stem, root)], []
    if not root.is_dir():
        raise MissingDataError(f"There is no folder of videos at {root}.")
    files = sorted(
        Path(top) / name
        for top, folders, names in os.walk(root)
        for name in names
        if not name.startswith(".") and not _is_hidden(Path(top).relative_to(root))
    )
    videos = [file for file in files if has_media_ending(file)]
    if not videos:
        raise MissingDataError(f"No file in {root} has a video's ending (.mp4, .avi, .webm, ...).")
    found: dict[str, VideoSource] = {}
    for file in videos:
        source = VideoSource(file.relative_to(root).with_suffix("").as_posix(), file)
        if source.id in found:
            raise DataError(
                f"{found[source.id].path.name} and {file.name} in {file.parent} would both be the video '{source.id}'; "
                "rename one of them."
            )
        found[source.id] = source
    return list(found.values()), [file for file in files if not has_media_ending(file)]


def take_shard(sources: list[VideoSource], shard: str | None) -> list[VideoSource]:
    """Returns part I of N equal parts for ``shard`` = "I/N", counting from 1; None returns all videos.

    The stores of all parts, merged in order, equal the store of the whole.

    Raises:
        OptionError: If ``shard`` has another form or I is not between 1 and N.

    >>> [len(take_shard([VideoSource("a", Path("a"))] * 5, f"{i}/3")) for i in (1, 2, 3)]
    [1, 2, 2]
    """
    if shard is None:
        return sources
    match = re.fullmatch(r"(\d+)/(\d+)", shard)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise OptionError(f"'--shard' must be I/N with I from 1 to N, such as 1/8, got {shard!r}.")
    part, parts = int(match[1]), int(match[2])
    return sources[len(sources) * (part - 1) // parts : len(sources) * part // parts]


def _is_hidden(folder: Path) -> bool:
    return any(part.startswith(".") for part in folder.parts)
