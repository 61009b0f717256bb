"""The rule of video ids: how an id follows from a file name, which ids are allowed, and which files a folder offers.

Extraction, caption and split files, importers and stores all use this module, so that a video has the same id in each.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath

from stgraph.checking import checked
from stgraph.errors import DataError, MissingDataError, shown
from stgraph.video.media_files import MEDIA_ENDINGS

__all__ = ["FEATURE_ENDINGS", "check_id", "files_by_id", "find_files", "is_hidden", "video_id_of"]

FEATURE_ENDINGS = frozenset((".h5", ".hdf5", ".json", ".npy", ".npz"))
"""Extensions of the files that importers read, in lower case."""

SYSTEM_FILES = frozenset(
    (
        "__macosx",
        "thumbs.db",
        "desktop.ini",
        "@eadir",
        "$recycle.bin",
        "system volume information",
        "lost+found",
    )
)
"""Names, in lower case, of the files and folders that operating systems and network drives leave among a user's own."""

JOINERS = "\u200c\u200d"  # invisible, but part of words in several scripts and of emoji


@checked
def video_id_of(name: str) -> str:
    """The video id of a name, which may be that of a video or feature file: ``IMG_1.mov`` and ``IMG_1.npy`` -> ``IMG_1``.

    Endings of ``MEDIA_ENDINGS`` and ``FEATURE_ENDINGS`` are removed, in upper or lower
    case and also when there are several; so are spaces around the name and a leading ``./``. Folders are part of the id
    and are separated by ``/``. Accented letters are composed (Unicode NFC), as macOS writes them decomposed. Capital and
    small letters differ. The id of an id is the id itself.

    >>> video_id_of("mv89psg6zh4_33_46.avi"), video_id_of("a/IMG_1.mov.npy"), video_id_of("v1.2")
    ('mv89psg6zh4_33_46', 'a/IMG_1', 'v1.2')
    """
    found = unicodedata.normalize("NFC", name).replace("\\", "/").strip()
    while found.startswith("./"):
        found = found[2:].lstrip()
    # A path hides a last "/" or "/.", so that its suffix need not be the end of the text.
    while (
        (ending := PurePosixPath(found).suffix)
        and ending.lower() in MEDIA_ENDINGS | FEATURE_ENDINGS
        and found.endswith(ending)
    ):
        found = found.removesuffix(ending).rstrip()
    return found


@checked
def check_id(video_id: object, where: str = "") -> str:
    """Checks that a video id is a string that can be stored, printed on one line and recognized by eye.

    Args:
        video_id: The id.
        where: Place that it was read from, such as a file and line, for the error message.

    Returns:
        The id.

    Raises:
        DataError: If it is no string, is empty, or has a control character (such as a line break or NUL), a byte that is
            not UTF-8, or an invisible or direction-changing character.

    >>> check_id("ein Hörnchen")
    'ein Hörnchen'
    """
    if not isinstance(video_id, str):
        problem = f"a video id must be a string, got a {type(video_id).__name__}."
    elif not video_id.strip():
        problem = f"a video id must not be empty, got '{shown(video_id)}'; name the video."
    else:
        reason = next(filter(None, map(_refusal, video_id)), "")
        problem = f"the video id '{shown(video_id)}' has {reason}; rename the video." if reason else ""
    if problem or not isinstance(video_id, str):
        raise DataError(f"{where}: {problem}" if where else f"{problem[0].upper()}{problem[1:]}")
    return video_id


def is_hidden(path: Path | PurePosixPath) -> bool:
    """Whether a relative path is, or lies in, a hidden file or folder (``.x``, ``._x``) or one of the system's own.

    >>> is_hidden(Path("._cat.mp4")), is_hidden(Path("__MACOSX/cat.mp4")), is_hidden(Path("a/cat.mp4"))
    (True, True, False)
    """
    return any(part.startswith(".") or part.lower() in SYSTEM_FILES for part in path.parts if part != "..")


def find_files(folder: Path, skip: Collection[Path] = ()) -> list[Path]:
    """All files of a folder and its subfolders, sorted by path, without those that :func:`is_hidden` names.

    Links to folders are followed; a folder that is reached twice is searched once.

    Args:
        folder: The folder.
        skip: Subfolders that are not searched.

    Raises:
        MissingDataError: If the folder doesn't exist, or it or a subfolder can't be read.
    """
    if not folder.is_dir():
        raise MissingDataError(f"There is no folder at {folder}; give the path of an existing one.")
    seen = {os.path.realpath(path) for path in skip}
    found: list[Path] = []
    for top, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        seen.add(os.path.realpath(top))
        inside = Path(top).relative_to(folder)
        folders[:] = sorted(
            name
            for name in folders
            if not is_hidden(inside / name) and os.path.realpath(os.path.join(top, name)) not in seen
        )
        found += [folder / inside / name for name in names if not is_hidden(inside / name)]
    return sorted(found)


def files_by_id(folder: Path, files: Iterable[Path]) -> dict[str, Path]:
    """Files of a folder by the id of their video, in the given order.

    Ids are not checked, so that a caller can report one bad name and go on.

    Raises:
        DataError: If two files are of the same video.
    """
    found: dict[str, Path] = {}
    for file in files:
        video_id = video_id_of(file.relative_to(folder).as_posix())
        if video_id in found:
            first = found[video_id].relative_to(folder)
            raise DataError(
                f"'{shown(first)}' and '{shown(file.relative_to(folder))}' in {shown(folder)} would both be the video "
                f"'{shown(video_id)}'; rename or remove one of them."
            )
        found[video_id] = file
    return found


def _refusal(character: str) -> str:
    """What makes a character unfit for an id; empty if nothing does."""
    kind = unicodedata.category(character)
    if kind == "Cs":
        return "bytes that are not UTF-8"
    if kind in ("Cc", "Zl", "Zp"):
        return "a control character"
    if kind == "Cf" and character not in JOINERS:
        return "an invisible character"
    return ""


def _refuse(error: OSError) -> None:
    raise MissingDataError(f"The folder {error.filename} can't be read: {error.strerror}.") from error
