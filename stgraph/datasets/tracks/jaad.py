"""JAAD: pedestrians in front of a car, in the official XML layout and in a packed one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field

from stgraph.checking import checked
from stgraph.datasets.by_video import ByVideo
from stgraph.datasets.tracks.annotated_video import AnnotatedVideo, Segment
from stgraph.datasets.tracks.jaad_xml import Rows, read_jaad_xml
from stgraph.datasets.tracks.layouts import (
    Entry,
    Run,
    check_segments,
    checked_array,
    usable_boxes,
    validated,
    whole_numbers,
)
from stgraph.datasets.tracks.track_dataset import TrackDataset, check_fps, existing_file, existing_folder
from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.features.detections import Detections
from stgraph.features.importers.arrays import read_npz
from stgraph.limits import Limits
from stgraph.parsing import lines_of, read_json, read_text

__all__ = ["JAAD"]

LAYOUT = "JAAD (jaad.json and tracks.npz, or the official annotations/ and split_ids/)"
LABELS = ("pedestrian", "ped", "people")
STATES = {
    "walking": ("standing", "walking"),
    "crossing": ("not crossing", "crossing"),
    "looking": ("not looking", "looking"),
}
SPLITS = ("train", "val", "test")


class _Track(Entry):
    label: str
    id: str


class _Video(Entry):
    split: str
    size: int = Field(gt=0)
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    tracks: list[_Track]
    vehicle: list[Run] = Field(default_factory=list)
    pedestrians: dict[str, dict[str, Any]] = Field(default_factory=dict)


class _File(Entry):
    videos: dict[str, _Video]


@checked
class JAAD(TrackDataset):
    """JAAD: dash-cam videos with pedestrian tracks, and whether they walk, cross and look in each frame.

    ``folder`` is the official repository (``annotations/video_0001.xml``, ``split_ids/NAME/train.txt``), or a packed copy
    (``jaad.json`` and ``tracks.npz``, see docs/tracks.md). States are "walking", "crossing" and "looking"; of the three
    labels only "pedestrian" has them, "ped" are bystanders and "people" groups. The packed layout has the car's action as
    segments of the kind "vehicle".

    Args:
        folder: The folder.
        fps: Frames per second, from which times are computed; None leaves times unknown.
        split_ids: Which of the official lists of splits to use: "default", "all_videos" or "high_visibility". A packed copy
            holds the splits itself.

    Raises:
        MissingDataError: If a file does not exist.
        DataError: If a file is damaged or of another layout.
        OptionError: If an argument is not allowed.

    Reference: Rasouli, Kotseruba and Tsotsos, ICCV Workshops 2017.
    """

    name = "jaad"

    def __init__(self, folder: str | Path, fps: float | None = 30.0, split_ids: str = "default") -> None:
        check_fps(fps)
        self.folder, self.fps = existing_folder(folder, LAYOUT), fps
        self.label_names, self.state_names = LABELS, STATES
        self._videos: Mapping[str, _Video] | None = None
        if (self.folder / "jaad.json").is_file():
            path = self.folder / "jaad.json"
            self._arrays = existing_file(self.folder / "tracks.npz", LAYOUT)
            self._videos = ByVideo(self.name, validated(_File, {"videos": read_json(path)}, path).videos)
            self._splits = ByVideo(self.name, {name: video.split for name, video in self._videos.items()})
            self.ids = tuple(sorted(self._videos))
        else:
            if (
                not isinstance(split_ids, str)
                or not (lists := self.folder / "split_ids" / split_ids).is_dir()
            ):
                known = sorted(path.name for path in self.folder.glob("split_ids/*") if path.is_dir())
                raise OptionError(
                    f"'split_ids' must be one of {known}, got {split_ids!r}."
                    if known
                    else f"'folder' must be {LAYOUT}, got {self.folder}."
                )
            files = {path.stem for path in self.folder.glob("annotations/*.xml")}
            listed = _read_lists(lists)
            self._splits = ByVideo(self.name, {name: listed[name] for name in files & listed.keys()})
            self.ids = tuple(sorted(self._splits))
            if not self.ids:
                raise MissingDataError(
                    f"None of the {len(listed)} videos of {lists} has a file in {self.folder / 'annotations'}; give a "
                    f"folder of {LAYOUT}."
                )

    def split_of(self, video_id: str) -> str:
        """The official split of a video."""
        return self._splits[video_id]

    def group_of(self, video_id: str) -> None:
        """None: who drove or walked is not known."""
        return

    def read(self, video_id: str) -> AnnotatedVideo:
        """Reads one video."""
        split = self._splits[video_id]
        rows = (
            read_jaad_xml(self.folder / "annotations" / f"{video_id}.xml")
            if self._videos is None
            else self._packed(video_id, self._videos[video_id])
        )
        values = rows.values
        good, dropped = usable_boxes(values[:, 2:6], rows.size)
        values = values[good]
        labels = np.array(
            [LABELS.index(rows.tracks[int(track)][0]) for track in values[:, 1]], dtype=np.int64
        )
        order = np.argsort(values[:, 0], kind="stable")
        values, labels = values[order], labels[order]
        if len(values) and not 0 <= values[0, 0] <= values[-1, 0] < rows.num_frames:
            raise DataError(
                f"'{video_id}' of {self.folder} has {rows.num_frames} frames, but boxes in frames "
                f"{values[0, 0]:g} to {values[-1, 0]:g}; its files are of different versions."
            )
        return AnnotatedVideo(
            video_id,
            Detections.from_raw(
                boxes=values[:, 2:6].astype(np.float32),
                frame_numbers=values[:, 0].astype(np.int64),
                track=values[:, 1].astype(np.int64),
                labels=labels,
                size=rows.size,
                sampled=range(rows.num_frames),
                fps=self.fps,
            ),
            split=split,
            segments=rows.segments,
            states={
                name: torch.from_numpy(values[:, 6 + n].astype(np.int64)) for n, name in enumerate(STATES)
            },
            tracks={
                number: {**rows.attributes.get(name, {}), "name": name}
                for number, (_, name) in enumerate(rows.tracks)
            },
            dropped=dropped,
        )

    def _packed(self, video_id: str, video: _Video) -> Rows:
        where = f"{self._arrays}: '{video_id}'"
        Limits.current().check("max_frames", video.size, self.folder / "jaad.json", f"'{video_id}' has")
        values = checked_array(read_npz(self._arrays, [video_id])[video_id], (-1, 9), where)
        tracks = [(track.label, track.id) for track in video.tracks]
        whole_numbers(values[:, 0], 0, video.size - 1, f"{where}: frames")
        whole_numbers(values[:, 1], 0, len(tracks) - 1, f"{where}: tracks, which jaad.json lists,")
        whole_numbers(values[:, 6:], -1, 1, f"{where}: states")
        for label, name in tracks:
            if label not in LABELS:
                raise DataError(
                    f"{self.folder / 'jaad.json'}: the track '{name}' of '{video_id}' must have one of the labels {LABELS}, "
                    f"got {label!r}."
                )
        segments, begin = [], 0
        for action, length in video.vehicle:
            segments.append(Segment("vehicle", action, begin, begin + length))
            begin += length
        check_segments(segments, video.size, f"{self.folder / 'jaad.json'}: '{video_id}'")
        return Rows(
            values, tracks, video.size, (video.height, video.width), tuple(segments), video.pedestrians
        )


def _read_lists(folder: Path) -> dict[str, str]:
    """The split of each video, from ``train.txt``, ``val.txt`` and ``test.txt``."""
    found: dict[str, str] = {}
    for split in SPLITS:
        path = folder / f"{split}.txt"
        if not path.is_file():
            raise MissingDataError(f"There is no {path.name} in {folder}; give a folder of {LAYOUT}.")
        for line in lines_of(read_text(path)):
            name = line.strip()
            if name and found.setdefault(name, split) != split:
                raise DataError(f"{path}: '{name}' is in the split '{found[name]}', too; remove it from one.")
    return found
