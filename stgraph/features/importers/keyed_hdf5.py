"""Reads one HDF5 file for all videos, keyed by video id."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from stgraph.checking import checked
from stgraph.errors import DataError, MissingDataError, StgraphError, shown
from stgraph.features.importers.aligned_streams import JoinedStreams, ReadArray
from stgraph.features.store.layout import DEFLATE_RATIO, LARGEST_CHUNK
from stgraph.regular_files import check_regular
from stgraph.video.ids import check_id, video_id_of

__all__ = ["find_member", "open_hdf5", "read_dataset", "read_keyed_hdf5"]

MOST_LINKS = 16


@checked
def read_keyed_hdf5(streams: Mapping[str, tuple[str | Path, str]], *, common: bool = False) -> JoinedStreams:
    """Reads HDF5 files that are keyed by video id; the layout is detected from the content.

    The array of a video is ``/ID`` (one stream per file), ``/NAME/ID`` or ``/ID/NAME``. NAME may be the path of a nested
    group, such as ``resnet/YouTubeClips``. Ids follow from the keys by :func:`stgraph.video.video_id_of`.

    Args:
        streams: File and NAME of "appearance" (``[T, D]``), "motion" (``[C, D]``) or both; NAME is "" if ``/ID`` is the
            array. ``[D]`` is a single vector.
        common: Whether to skip videos that lack a stream; otherwise iteration raises an error that names them.

    Returns:
        The videos, read one at a time.

    Raises:
        MissingDataError: If a file does not exist, or has nothing of that name.
        DataError: If a file is not HDF5 or has another layout, or two arrays are of the same video.
        OptionError: If a stream has another name.
    """
    found: dict[str, dict[str, ReadArray]] = {}
    known: set[str] = set()
    for stream, (path, name) in streams.items():
        found[stream], more = _videos(Path(path), name.strip("/"))
        known |= more
    return JoinedStreams(found, common, frozenset(known))


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Opens an HDF5 file for reading, and translates every error of HDF5 within the block.

    Raises:
        MissingDataError: If the file does not exist.
        DataError: If it is not HDF5, or is damaged where it is read.
    """
    check_regular(path)
    try:
        with h5py.File(path, "r") as file:
            yield file
    except StgraphError:
        raise
    except Exception as error:  # a damaged file makes h5py raise ten kinds
        reason = " ".join(str(error.args[0] if error.args else error).split())[:160]
        raise DataError(
            f"{shown(path)} is not an HDF5 file, or is damaged ({reason}); write it again."
        ) from error


def read_dataset(path: Path, name: str) -> np.ndarray:
    """Reads one array and closes the file again.

    Raises:
        MissingDataError: If the file or the array does not exist.
        DataError: If the file is not HDF5, or the array is not of numbers that are all in this file.
    """
    with open_hdf5(path) as file:
        array = find_member(file, name.strip("/"), shown(path))
        if not isinstance(array, h5py.Dataset):
            some = ", ".join(list(file)[:5])
            raise MissingDataError(
                f"{shown(path)} has no array '{shown(name)}', only {shown(some) or 'nothing'}; "
                "correct the name."
            )
        _check_array(array, f"{shown(path)}: '{shown(name)}'", path.stat().st_size)
        return np.asarray(array[()])


def _check_array(array: h5py.Dataset, where: str, file_size: int) -> None:
    """Checks an array before it is read: HDF5 allocates what a file claims, and crashes on some virtual datasets."""
    plan, itemsize = array.id.get_create_plist(), array.dtype.itemsize
    if plan.get_layout() == h5py.h5d.VIRTUAL or plan.get_external_count():
        raise DataError(f"{where} has its values in another file; import that file.")
    if array.dtype.kind not in "fiu" or array.shape is None:
        raise DataError(f"{where} must be numbers, got {array.dtype}; save it as float32.")
    size, chunk = math.prod(array.shape) * itemsize, math.prod(array.chunks or ()) * itemsize
    if size > DEFLATE_RATIO * file_size or chunk > LARGEST_CHUNK:
        raise DataError(
            f"{where} claims {size} bytes, more than its file of {file_size} bytes can hold; write it again."
        )


def _videos(path: Path, name: str) -> tuple[dict[str, ReadArray], set[str]]:
    """Functions that read each video's array, and all video ids in the file."""
    where = shown(path)
    with open_hdf5(path) as file:
        found = find_member(file, name, where) if name else file
        if isinstance(found, h5py.Dataset):
            raise DataError(
                f"{where}: '/{name}' is an array, not a group of one array per video; to read it as the video "
                f"'{name.rpartition('/')[2]}', name the group that it lies in."
            )
        if isinstance(found, h5py.Group):
            keys = _arrays_in(found, where)
            places, known = {key: f"{name}/{key}" for key in keys}, set(keys)
        else:
            groups = [key for key in file if isinstance(find_member(file, key, where), h5py.Group)]
            places = {
                key: f"{key}/{name}"
                for key in groups
                if find_member(file, f"{key}/{name}", where) is not None
            }
            known = set(file)
            if not places:
                some = ", ".join(list(file)[:5])
                raise MissingDataError(
                    f"{where} has no group '/{name}', and no array '/ID/{name}'; its top-level keys are "
                    f"{shown(some) or 'none'}; name one that holds arrays."
                )
    ids = _ids(places, where)
    return {key: partial(read_dataset, path, place) for key, place in ids.items()}, _known_ids(known)


def _known_ids(keys: Collection[str]) -> set[str]:
    """Ids of the videos that a file names by some keys."""
    return {video_id_of(key) for key in keys}


def _ids(places: dict[str, str], where: str) -> dict[str, str]:
    """Place of each video's array by video id instead of by key."""
    found: dict[str, str] = {}
    for key, place in places.items():
        video_id = check_id(video_id_of(key), where)
        if video_id in found:
            raise DataError(
                f"{where}: '/{shown(found[video_id])}' and '/{shown(place)}' are both of the video '{video_id}'; remove one."
            )
        found[video_id] = place
    return found


def _arrays_in(group: h5py.Group, where: str) -> list[str]:
    """Keys of the arrays of a group and, below it, of those with a folder in their id."""
    members = {key: find_member(group, key, where) for key in group}
    subgroups = {key: member for key, member in members.items() if isinstance(member, h5py.Group)}
    if subgroups and len(subgroups) == len(members):
        first, inside = next(iter(subgroups.items()))
        inner = f"{group.name.rstrip('/')}/{first}"
        raise DataError(
            f"{where}: '{shown(group.name)}' holds groups, such as '{shown(inner)}' with {len(inside)} "
            f"members, instead of one array per video; give the path of the group of arrays, such as "
            f"'{shown(inner[1:])}', or, if each such group is a video, the name of the array in it."
        )
    found: list[str] = []
    for key, member in members.items():
        nested = isinstance(member, h5py.Group)
        found += [f"{key}/{inner}" for inner in _arrays_in(member, where)] if nested else [key]
    return found


def find_member(group: h5py.Group, name: str, where: str, links: int = 0) -> h5py.Group | h5py.Dataset | None:
    """The group or array of a name; None if there is none.

    Links within the file are followed here and not by HDF5, which would follow them through a link to another file.

    Args:
        group: The group to begin at.
        name: Names of groups and of the member, joined by "/".
        where: The file, for messages.
        links: Number of links that led here.

    Raises:
        DataError: If it lies behind a link to another file, which may be any file that the user can read, or behind links
            that lead to each other.
    """
    if links > MOST_LINKS:
        raise DataError(f"{where}: '{shown(name)}' is a link among links that lead to each other; remove it.")
    inner = group
    for part in name.split("/"):
        link = inner.get(part, getlink=True) if isinstance(inner, h5py.Group) and part else None
        if link is None:
            return None
        if isinstance(link, h5py.ExternalLink):
            raise DataError(
                f"{where}: '{shown(name)}' is a link to another file, {shown(link.filename)}; import that file."
            )
        if isinstance(link, h5py.SoftLink):
            start = inner.file["/"] if link.path.startswith("/") else inner
            inner = find_member(start, link.path.strip("/"), where, links + 1)
        else:
            inner = inner.get(part)
    return inner
