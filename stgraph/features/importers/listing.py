"""Lists the feature files of a folder by the id of their video."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from stgraph.errors import MissingDataError, shown
from stgraph.video.ids import check_id, files_by_id, find_files

__all__ = ["files_of_videos"]


def files_of_videos(folder: Path, endings: Collection[str], skip: Collection[Path] = ()) -> dict[str, Path]:
    """Files with certain endings, by the id of their video and sorted by path.

    Args:
        folder: The folder, which is searched with its subfolders.
        endings: The endings, in lower case.
        skip: Subfolders that are not searched.

    Raises:
        MissingDataError: If there is no such folder or file.
        DataError: If two files are of the same video, or a name is no valid id.
    """
    wanted = " or ".join(f"ID{ending}" for ending in endings)
    if not folder.is_dir():
        raise MissingDataError(
            f"No {wanted} files in {shown(folder)}, which is no folder; pass the folder that contains them."
        )
    files = [file for file in find_files(folder, skip) if file.suffix.lower() in endings]
    if not files:
        raise MissingDataError(f"No {wanted} files in {shown(folder)}; pass the folder that contains them.")
    found = files_by_id(folder, files)
    for video_id, file in found.items():
        check_id(video_id, shown(file))
    return found
