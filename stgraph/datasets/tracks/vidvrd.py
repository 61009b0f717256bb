"""VidVRD and VidOR: relations between tracked things, one JSON file per video."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field

from stgraph.checking import checked
from stgraph.datasets.by_video import ByVideo
from stgraph.datasets.tracks.annotated_video import AnnotatedVideo
from stgraph.datasets.tracks.layouts import FARTHEST, Entry, usable_boxes, validated
from stgraph.datasets.tracks.track_dataset import TrackDataset, existing_folder
from stgraph.errors import DataError, MissingDataError, shown
from stgraph.features.detections import Detections
from stgraph.parsing import read_json

__all__ = ["VidOR", "VidVRD"]


class _Thing(Entry):
    tid: int = Field(ge=0)
    category: str


class _Corners(Entry):
    xmin: float = Field(ge=-FARTHEST, le=FARTHEST)
    ymin: float = Field(ge=-FARTHEST, le=FARTHEST)
    xmax: float = Field(ge=-FARTHEST, le=FARTHEST)
    ymax: float = Field(ge=-FARTHEST, le=FARTHEST)


class _Box(Entry):
    tid: int
    bbox: _Corners


class _Relation(Entry):
    subject_tid: int
    object_tid: int
    predicate: str
    begin_fid: int
    end_fid: int


class _Video(Entry):
    video_id: str
    fps: float = Field(gt=0)
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    things: list[_Thing] = Field(alias="subject/objects")
    trajectories: list[list[_Box]] = Field(min_length=1)
    relations: list[_Relation] = Field(alias="relation_instances")


@checked
class VidVRD(TrackDataset):
    """VidVRD: things in everyday videos and what they do to each other, such as "dog chase frisbee".

    ``folder`` holds one JSON file per video in ``train/`` and ``test/``. A relation holds from its first frame to the one
    before ``end_fid``, and is listed for every such frame in which both things have a box. The corners in the files are
    pixels of the box, as in the data set's own evaluation, so its right and lower edges lie one pixel further.

    Names of classes and relations are gathered from all files when they are first asked for.

    Args:
        folder: The folder.

    Raises:
        MissingDataError: If the folder has no annotations.
        DataError: If two files are of the same video.

    Reference: Shang et al., ACM Multimedia 2017.
    """

    name = "vidvrd"
    folders: ClassVar[Mapping[str, str]] = {"train": "train", "test": "test"}
    """Folder of each split."""
    pattern: ClassVar[str] = "*.json"
    """Files of a split in its folder."""

    def __init__(self, folder: str | Path) -> None:
        layout = (
            f"{type(self).__name__} ({', '.join(f'{name}/{self.pattern}' for name in self.folders.values())})"
        )
        self.folder = existing_folder(folder, layout)
        self._files: ByVideo[tuple[str, Path]] = ByVideo(self.name, {})
        for split, part in self.folders.items():
            for path in sorted((self.folder / part).glob(self.pattern)):
                if path.stem in self._files:
                    raise DataError(
                        f"{shown(path)} and {shown(self._files[path.stem][1])} are of the same video; remove one."
                    )
                self._files[path.stem] = split, path
        if not self._files:
            raise MissingDataError(
                f"There are no annotations in {shown(self.folder)}; give a folder of {layout}."
            )
        self.ids = tuple(sorted(self._files))

    @cached_property
    def _names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        labels, relations = set(), set()
        for video_id in self.ids:
            video = self._load(video_id)
            labels |= {thing.category for thing in video.things}
            relations |= {relation.predicate for relation in video.relations}
        return tuple(sorted(labels)), tuple(sorted(relations))

    @property
    def label_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """Name of each class that occurs in any video."""
        return self._names[0]

    @property
    def relation_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """Name of each relation that occurs in any video."""
        return self._names[1]

    def split_of(self, video_id: str) -> str:
        """The official split of a video, by its folder."""
        return self._files[video_id][0]

    def group_of(self, video_id: str) -> None:
        """None: videos do not belong together."""
        return

    def _load(self, video_id: str) -> _Video:
        path = self._files[video_id][1]
        return validated(_Video, read_json(path), path)

    def read(self, video_id: str) -> AnnotatedVideo:
        """Reads one video."""
        split, path = self._files[video_id]
        video = self._load(video_id)
        label = {thing.tid: self.label_names.index(thing.category) for thing in video.things}
        if len(label) != len(video.things):
            raise DataError(
                f"{shown(path)}: a 'tid' comes twice in 'subject/objects'; each thing has its own."
            )
        listed = [(frame, box) for frame, boxes in enumerate(video.trajectories) for box in boxes]
        if strangers := {box.tid for _, box in listed} - label.keys():
            raise DataError(
                f"{shown(path)}: the box of 'tid' {min(strangers)} is of a thing that is not listed; add it to "
                "'subject/objects', or remove the box."
            )
        frame = np.array([frame for frame, _ in listed], dtype=np.int64)
        track = np.array([box.tid for _, box in listed], dtype=np.int64)
        corners = [(box.bbox.xmin, box.bbox.ymin, box.bbox.xmax + 1, box.bbox.ymax + 1) for _, box in listed]
        boxes = np.array(corners, dtype=np.float32).reshape(-1, 4)
        size = (video.height, video.width)
        good, dropped = usable_boxes(boxes, size)
        frame, track, boxes = frame[good], track[good], boxes[good]
        row = {key: place for place, key in enumerate(zip(frame.tolist(), track.tolist(), strict=True))}
        index: list[tuple[int, int]] = []
        numbers: list[int] = []
        without = 0
        for relation in video.relations:
            if not 0 <= relation.begin_fid < relation.end_fid <= len(video.trajectories):
                raise DataError(
                    f"{shown(path)}: '{shown(relation.predicate)}' must hold within the {len(video.trajectories)} frames, "
                    f"got {relation.begin_fid} to {relation.end_fid}; correct it."
                )
            for number in range(relation.begin_fid, relation.end_fid):
                ends = row.get((number, relation.subject_tid)), row.get((number, relation.object_tid))
                if ends[0] is None or ends[1] is None:
                    without += 1
                    continue
                index.append((ends[0], ends[1]))
                numbers.append(self.relation_names.index(relation.predicate))
        if without:
            dropped["relations of a thing without a box"] = without
        return AnnotatedVideo(
            video_id,
            Detections.from_raw(
                boxes=boxes,
                frame_numbers=frame,
                labels=np.array([label[tid] for tid in track.tolist()], dtype=np.int64),
                track=track,
                size=size,
                sampled=range(len(video.trajectories)),
                fps=video.fps,
            ),
            split=split,
            relation_index=torch.tensor(index, dtype=torch.long).reshape(-1, 2).T,
            relation=torch.tensor(numbers, dtype=torch.long),
            dropped=dropped,
        )


@checked
class VidOR(VidVRD):
    """VidOR: as :class:`VidVRD`, with ten thousand videos in numbered folders.

    ``folder`` is the folder of annotations: ``training/0000/ID.json`` and ``validation/0001/ID.json``. The validation split
    is called "val".

    Args:
        folder: The folder.

    Raises:
        MissingDataError: If the folder has no annotations.
        DataError: If two files are of the same video.

    Reference: Shang et al., ICMR 2019.
    """

    name = "vidor"
    folders: ClassVar[Mapping[str, str]] = {"train": "training", "val": "validation"}
    pattern: ClassVar[str] = "*/*.json"
