"""Finds the video files of a folder, gives each its id, and divides them into shards."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from stgraph.checking import checked
from stgraph.errors import MissingDataError, OptionError
from stgraph.video.ids import files_by_id, find_files, video_id_of
from stgraph.video.media_files import has_media_ending

__all__ = ["VideoSource", "find_videos", "take_shard"]


@checked
@dataclass(frozen=True)
class VideoSource:
    """A video file and its id: :func:`~stgraph.video.video_id_of` of the path in the folder (``a/b.mp4`` -> ``a/b``)."""

    id: str
    path: Path


@checked
def find_videos(folder: str | Path) -> tuple[list[VideoSource], list[Path]]:
    """Finds the videos of a folder and its subfolders, sorted by path, or takes the single file ``folder``.

    Hidden files and folders are ignored, and those that operating systems add (``__MACOSX``, ``Thumbs.db``). A video whose
    name makes no valid id is among the videos: reading it fails, like reading a damaged file, and stops no other.

    Returns:
        The videos, and the remaining files, whose endings are not those of videos.

    Raises:
        MissingDataError: If the folder doesn't exist, can't be read or holds no video.
        DataError: If two files have the same id.
    """
    root = Path(folder)
    if os.path.lexists(root) and not root.is_dir():  # reading it fails unless it is a regular file
        return [VideoSource(video_id_of(root.name), root)], []
    if not root.is_dir():
        raise MissingDataError(f"There is no folder of videos at {root}; check the path.")
    files = find_files(root)
    videos = [file for file in files if has_media_ending(file)]
    if not videos:
        raise MissingDataError(
            f"No file in {root} has a video's ending (.mp4, .avi, .webm, ...); check the path."
        )
    found = [VideoSource(video_id, file) for video_id, file in files_by_id(root, videos).items()]
    return found, [file for file in files if not has_media_ending(file)]


@checked
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
