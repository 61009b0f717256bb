"""Sorts arguments into settings, video files, and videos of a store. Imports neither torch nor hydra."""

from __future__ import annotations

import argparse
from pathlib import Path

from stgraph.errors import MissingDataError, OptionError
from stgraph.settings.overrides import EXTRACTOR_GROUPS, group_of, looks_like_override
from stgraph.video.media_files import has_media_ending

__all__ = ["kind_of_source", "split_caption_arguments", "split_video_arguments"]


def split_caption_arguments(chosen: argparse.Namespace) -> tuple[list[str], list[str], list[str]]:
    """Sorts the arguments of ``stgraph caption``.

    Args:
        chosen: What :func:`parser_of` parsed.

    Returns:
        The settings, the videos, and those of the videos that are files.

    Raises:
        OptionError: If ``--attention`` is given without ``--json``.
        MissingDataError: If a file does not exist, a folder has no videos, or files and ids of stored videos are mixed.
    """
    if chosen.html is not None and not chosen.html.absolute().parent.is_dir():
        raise MissingDataError(f"There is no folder for {chosen.html}; make it first.")
    if chosen.attention and not chosen.json:
        raise OptionError("'--attention' is only printed with '--json'; add --json.")
    settings = [argument for argument in chosen.videos if looks_like_override(argument)]
    videos = [argument for argument in chosen.videos if argument not in settings]
    videos = [file for video in videos for file in _files_of(video)]
    files = [video for video in videos if Path(video).is_file()]
    for video in videos:
        if files and video not in files:
            raise MissingDataError(
                f"There is no video file {video}; caption files and ids of stored videos in separate calls."
            )
        if not files and has_media_ending(video):
            raise MissingDataError(f"There is no video file {video}; check the path.")
    # The model folder defines which settings its extractors have; they report misspelt ones themselves.
    settings = [f"++{each}" if group_of(each) in EXTRACTOR_GROUPS else each for each in settings]
    return settings, videos, files


def _files_of(video: str) -> list[str]:
    """The videos of a folder, by path; anything else as it is."""
    if not Path(video).is_dir():
        return [video]
    from stgraph.video.ids import find_files

    found = [str(file) for file in find_files(Path(video)) if has_media_ending(file)]
    if not found:
        raise MissingDataError(
            f"No file in {video} has a video's ending (.mp4, .avi, .webm, ...); check the path."
        )
    return found


def split_video_arguments(chosen: argparse.Namespace) -> tuple[str | None, list[str]]:
    """Sorts the arguments of a command that shows one video.

    Args:
        chosen: What :func:`parser_of` parsed.

    Returns:
        The video of a store or run, None if none is named, and the settings.

    Raises:
        MissingDataError: If the source does not exist.
        OptionError: If several videos are named, or one besides a video file.
    """
    if not chosen.source.exists():
        raise MissingDataError(f"There is no video, store or run at {chosen.source}.")
    settings = [argument for argument in chosen.settings if looks_like_override(argument)]
    videos = [argument for argument in chosen.settings if argument not in settings]
    if len(videos) > 1:
        raise OptionError(f"One video is shown at a time, got '{videos[0]}' and '{videos[1]}'; name one.")
    kind = kind_of_source(chosen.source)
    if videos and kind == "video":
        raise OptionError(f"{chosen.source} is a video file and has no video '{videos[0]}'; leave it out.")
    if kind == "run":
        settings = [f"++{each}" if group_of(each) in EXTRACTOR_GROUPS else each for each in settings]
    return (videos or [None])[0], settings


def kind_of_source(source: Path) -> str:
    """Whether a path is that of a "run", a "store" or a "video"."""
    if (source / "config.json").is_file():
        return "run"
    return "store" if source.is_dir() or source.suffix.lower() in (".h5", ".hdf5") else "video"
