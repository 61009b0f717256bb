"""Which files of a folder are videos, and what they are called in a store."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from stgraph.errors import DataError, MissingDataError, OptionError

__all__ = ["MEDIA", "VideoSource", "find_videos", "take_shard"]

PICTURES = (
    *(
        ".3gp",
        ".asf",
        ".avi",
        ".f4v",
        ".flv",
        ".gif",
        ".h264",
        ".hevc",
        ".m2ts",
        ".m4v",
        ".mkv",
        ".mov",
        ".mp4",
    ),
    *(".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".rm", ".ts", ".vob", ".webm", ".wmv", ".y4m"),
)
SOUND = (".aac", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav")
MEDIA = frozenset(PICTURES + SOUND)
"""Endings that are tried, in small letters; also those of sound, so that such a file is named and not passed over."""


@dataclass(frozen=True)
class VideoSource:
    """A video file and its id: its path inside the folder without the ending, ``a/b.mp4`` -> ``a/b``."""

    id: str
    path: Path


def find_videos(folder: str | Path) -> tuple[list[VideoSource], list[Path]]:
    """The videos of a folder and of the folders in it, by name; or the one video that ``folder`` is.

    Hidden files and folders are left out.

    Returns: The videos, and the files that are none by their endings.
    Raises: MissingDataError: Nothing there, or nothing that could be a video. DataError: Two files of one id.
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
    videos = [file for file in files if file.suffix.lower() in MEDIA]
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
    return list(found.values()), [file for file in files if file.suffix.lower() not in MEDIA]


def take_shard(sources: list[VideoSource], shard: str | None) -> list[VideoSource]:
    """Part i of n equal parts, for ``shard`` = "i/n" with i from 1; stores of all parts, merged in order, are the whole.

    Raises: OptionError: Not such a part.

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
