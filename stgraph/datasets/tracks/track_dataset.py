"""The protocol of data sets of tracked and labelled boxes."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

from stgraph.checking import checked
from stgraph.datasets.by_video import unknown_video
from stgraph.datasets.tracks.annotated_video import AnnotatedVideo
from stgraph.errors import DataError, MissingDataError, OptionError, shown

__all__ = ["Fold", "TrackDataset"]


@checked
class Fold(NamedTuple):
    """One group that is held out, and the videos of the others."""

    group: str
    train: tuple[str, ...]
    test: tuple[str, ...]


@checked
class TrackDataset(ABC):
    """Videos with tracked, labelled boxes, read one at a time.

    A reader sets ``ids`` and the names in its constructor, and returns an :class:`AnnotatedVideo` from :meth:`read`.
    Iterating over the data set reads all videos. ``docs/tracks.md`` shows how to write one.

    Attributes:
        name: Name of the data set in results.
        ids: Name of each video.
        label_names: Name of each class of things, by number.
        relation_names: Name of each relation, by number.
        state_names: Names of the classes of each state, by number.

    Reference: our own design.
    """

    name: ClassVar[str] = "tracks"

    ids: tuple[str, ...] = ()
    label_names: tuple[str, ...] = ()
    relation_names: tuple[str, ...] = ()
    state_names: Mapping[str, tuple[str, ...]] = {}

    @abstractmethod
    def read(self, video_id: str) -> AnnotatedVideo:
        """Reads one video of ``ids``.

        Raises:
            DataError: If its files are damaged.
        """

    def split_of(self, video_id: str) -> str | None:
        """Official split of a video; None if there is none."""
        return self[video_id].split

    def group_of(self, video_id: str) -> str | None:
        """The group of a video, such as its person; None if there are none."""
        return self[video_id].group

    def split(self, name: str) -> tuple[str, ...]:
        """Videos of an official split.

        Raises:
            OptionError: If no video is in that split.
        """
        found = {video_id: self.split_of(video_id) for video_id in self.ids}
        if name not in found.values():
            known = sorted({split for split in found.values() if split is not None})
            raise OptionError(
                f"'name' must be one of the splits {known} of {self.name}, got {name!r}."
                if known
                else f"{self.name} has no official splits; use leave_one_out() or lists of your own."
            )
        return tuple(video_id for video_id, split in found.items() if split == name)

    def leave_one_out(self) -> tuple[Fold, ...]:
        """One fold per group: its videos are the test set, all others may be trained on.

        Raises:
            DataError: If fewer than two groups are known.
        """
        groups = {video_id: self.group_of(video_id) for video_id in self.ids}
        names = sorted({group for group in groups.values() if group is not None})
        if len(names) < 2 or None in groups.values():
            raise DataError(
                f"The videos of {self.name} must be of two groups or more, got {names or 'none'}; use the official splits."
            )
        return tuple(
            Fold(
                name,
                tuple(video_id for video_id in self.ids if groups[video_id] != name),
                tuple(video_id for video_id in self.ids if groups[video_id] == name),
            )
            for name in names
        )

    def __getitem__(self, video_id: str) -> AnnotatedVideo:
        if video_id not in self.ids:
            raise unknown_video(video_id, self.name, self.ids)
        return self.read(video_id)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[AnnotatedVideo]:
        return (self[video_id] for video_id in self.ids)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} videos)"


def existing_file(path: Path, layout: str) -> Path:
    """The path of a file that a layout needs.

    Args:
        path: The file.
        layout: The layout, for the message, such as "CAD-120 (cad120.json and tracks.npz)".

    Raises:
        MissingDataError: If there is no such file.
    """
    if not path.is_file():
        raise MissingDataError(f"There is no {path.name} in {shown(path.parent)}; give a folder of {layout}.")
    return path


def existing_folder(path: str | Path, layout: str) -> Path:
    """The path of an existing folder.

    Args:
        path: The folder.
        layout: What it should hold, for the message.

    Raises:
        MissingDataError: If there is no such folder.
    """
    path = Path(path)
    if not path.is_dir():
        raise MissingDataError(f"There is no folder at {shown(path)}; give a folder of {layout}.")
    return path


def check_fps(fps: object) -> None:
    """Checks a number of frames per second.

    Raises:
        OptionError: If it is neither None nor a positive number.
    """
    if fps is None:
        return
    if isinstance(fps, bool) or not isinstance(fps, int | float) or not (math.isfinite(fps) and fps > 0):
        raise OptionError(f"'fps' must be a positive number or None, got {fps!r}.")
