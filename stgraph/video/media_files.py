"""File name extensions of video and audio files."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from stgraph.checking import checked

__all__ = ["AUDIO_ENDINGS", "MEDIA_ENDINGS", "VIDEO_ENDINGS", "has_media_ending"]

# fmt: off
VIDEO_ENDINGS = frozenset((
    ".3gp", ".asf", ".avi", ".f4v", ".flv", ".gif", ".h264", ".hevc", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4",
    ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".rm", ".ts", ".vob", ".webm", ".wmv", ".y4m",
))
"""Extensions of video files, in lower case."""

AUDIO_ENDINGS = frozenset((".aac", ".flac", ".m4a", ".mp3", ".ogg", ".opus", ".wav"))
"""Extensions of audio files, in lower case."""
# fmt: on

MEDIA_ENDINGS = VIDEO_ENDINGS | AUDIO_ENDINGS
"""Extensions of video and audio files. Audio files are opened too, so that an error reports that they have no frames."""


@checked
def has_media_ending(path: str | Path) -> bool:
    """Whether a file name has the extension of a video or audio file, in upper or lower case.

    >>> has_media_ending("IMG_1.MOV"), has_media_ending("notes.txt")
    (True, False)
    """
    return PurePosixPath(path).suffix.lower() in MEDIA_ENDINGS
