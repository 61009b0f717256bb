"""CAD-120 with boxes, relations and states in every frame, in a packed layout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from stgraph.checking import checked
from stgraph.datasets.by_video import ByVideo
from stgraph.datasets.tracks.annotated_video import AnnotatedVideo, Segment
from stgraph.datasets.tracks.layouts import (
    Entry,
    Pair,
    check_segments,
    checked_array,
    usable_boxes,
    validated,
    whole_numbers,
)
from stgraph.datasets.tracks.track_dataset import TrackDataset, check_fps, existing_file, existing_folder
from stgraph.errors import DataError, shown
from stgraph.features.detections import Detections
from stgraph.features.importers.arrays import read_npz
from stgraph.parsing import read_json

__all__ = ["CAD120"]

LAYOUT = "CAD-120 (cad120.json and tracks.npz)"
SIZE = (480, 640)


class _Video(Entry):
    subject: str
    activity: str
    frames: int = Field(gt=0)
    objects: list[str]
    labels: list[str]
    relation_pairs: list[Pair]
    attribute_objects: list[str]


class _Interval(Entry):
    video: str
    first_frame: int
    last_frame: int


class _Sentence(_Interval):
    caption: str


class _Clip(_Interval):
    action: str


class _File(Entry):
    relations: list[str]
    videos: dict[str, _Video]
    captioned_segments: list[_Sentence]
    action_clips: list[_Clip]


@checked
class CAD120(TrackDataset):
    """CAD-120: people who handle objects, with a box of every thing, hand-object relations and sentences.

    ``folder`` holds ``cad120.json`` and ``tracks.npz`` as docs/tracks.md describes them. Segments are of the kinds "action"
    and "caption"; the state "open" says of microwaves, boxes and the like whether they are open. The group of a video is its
    person, so :meth:`~TrackDataset.leave_one_out` is the published protocol; there are no official splits.

    Boxes without area stand for things that were not annotated in a frame. They are no positions: they, and the relations
    and states of the thing in that frame, are left out and counted in ``dropped``.

    Args:
        folder: The folder.
        fps: Frames per second, from which times are computed; None leaves times unknown.
        label_names: Names of the classes, by number, such as those of the folder that a model was trained on; things of
            other classes get -1. None takes the classes that occur in the folder.

    Raises:
        MissingDataError: If a file does not exist.
        DataError: If a file is damaged or of another layout.
        OptionError: If ``fps`` is not positive.

    Reference: Koppula, Gupta and Saxena, IJRR 2013; relations and states of every frame after Zhuo et al., ICCV 2019.
    """

    name = "cad120"

    def __init__(
        self, folder: str | Path, fps: float | None = None, label_names: Sequence[str] | None = None
    ) -> None:
        check_fps(fps)
        self.folder, self.fps = existing_folder(folder, LAYOUT), fps
        path = existing_file(self.folder / "cad120.json", LAYOUT)
        self._arrays = existing_file(self.folder / "tracks.npz", LAYOUT)
        self._file = validated(_File, read_json(path), path)
        self._videos = ByVideo(self.name, self._file.videos)
        self.ids = tuple(sorted(self._videos))
        found = {label for video in self._file.videos.values() for label in video.labels}
        self.label_names = tuple(sorted(found) if label_names is None else label_names)
        self.relation_names = tuple(self._file.relations)
        self.state_names = {"open": ("closed", "open")}
        self._segments: dict[str, list[Segment]] = {video_id: [] for video_id in self.ids}
        for clip in self._file.action_clips:
            self._add(path, "action", clip.action, clip)
        for sentence in self._file.captioned_segments:
            self._add(path, "caption", sentence.caption, sentence)

    def _add(self, path: Path, kind: str, label: str, interval: _Interval) -> None:
        if interval.video not in self._segments:
            raise DataError(
                f"{path}: a segment is of the video '{interval.video}', which is not in 'videos'; add it, or remove the "
                "segment."
            )
        segment = Segment(kind, label, interval.first_frame - 1, interval.last_frame)
        self._segments[interval.video].append(segment)

    def group_of(self, video_id: str) -> str:
        """The person of a video."""
        return self._videos[video_id].subject

    def split_of(self, video_id: str) -> None:
        """None: there are no official splits."""
        return

    def activity_of(self, video_id: str) -> str:
        """The high-level activity of a video, such as "making_cereal"."""
        return self._videos[video_id].activity

    def read(self, video_id: str) -> AnnotatedVideo:
        """Reads one video."""
        video = self._videos[video_id]
        names = [f"{video_id}__{part}" for part in ("boxes", "relations", "attributes")]
        arrays = read_npz(self._arrays, names)
        num_frames, num_objects = video.frames, len(video.objects)
        shapes = (
            (num_frames, num_objects, 4),
            (len(video.relation_pairs), num_frames),
            (len(video.attribute_objects), num_frames),
        )
        for name, shape in zip(names, shapes, strict=True):
            arrays[name] = checked_array(arrays[name], shape, f"{self._arrays}: '{name}'")
        boxes, relations, states = (arrays[name] for name in names)
        where = f"{self.folder / 'cad120.json'}: '{video_id}'"
        if len(video.labels) != num_objects:
            raise DataError(
                f"{where} must have one label per object, got {num_objects} objects and {len(video.labels)} labels."
            )
        check_segments(self._segments[video_id], num_frames, where)
        flat = boxes.reshape(-1, 4).astype(np.float32)
        good, dropped = usable_boxes(flat, SIZE)
        row = np.where(good, good.cumsum() - 1, -1).reshape(num_frames, num_objects)
        frame, thing = np.divmod(good.nonzero()[0], num_objects)
        number = {name: place for place, name in enumerate(self.label_names)}
        labels = np.array([number.get(label, -1) for label in video.labels], dtype=np.int64)
        detections = Detections.from_raw(
            boxes=flat[good],
            frame_numbers=frame,
            labels=labels[thing],
            track=thing,
            size=SIZE,
            sampled=range(num_frames),
            fps=self.fps,
        )
        index, relation, lost = self._relations(video_id, video, relations, row)
        if lost:
            dropped["relations of a thing without a box"] = lost
        return AnnotatedVideo(
            video_id,
            detections,
            group=video.subject,
            segments=tuple(self._segments[video_id]),
            states={"open": self._states(video_id, video, states)[frame, thing]},
            relation_index=index,
            relation=relation,
            tracks={number: {"name": name} for number, name in enumerate(video.objects)},
            dropped=dropped,
        )

    def _relations(
        self, video_id: str, video: _Video, relations: np.ndarray, row: np.ndarray
    ) -> tuple[Tensor, Tensor, int]:
        first = [self._object(video_id, video, pair[0]) for pair in video.relation_pairs]
        second = [self._object(video_id, video, pair[1]) for pair in video.relation_pairs]
        where = f"{self._arrays}: relations of '{video_id}'"
        code = whole_numbers(relations.T, -1, len(self.relation_names) - 1, where)  # [frames, pairs]
        ends = np.stack([row[:, first], row[:, second]])
        known = code >= 0
        found = known & (ends >= 0).all(0)
        return torch.from_numpy(ends[:, found]), torch.from_numpy(code[found]), int((known & ~found).sum())

    def _states(self, video_id: str, video: _Video, states: np.ndarray) -> Tensor:
        found = torch.full((video.frames, len(video.objects)), -1)
        codes = whole_numbers(states, -1, 1, f"{self._arrays}: attributes of '{video_id}'")
        for name, values in zip(video.attribute_objects, codes, strict=True):
            found[:, self._object(video_id, video, name)] = torch.from_numpy(values)
        return found

    def _object(self, video_id: str, video: _Video, name: str) -> int:
        if name not in video.objects:
            raise DataError(
                f"{self.folder / 'cad120.json'}: '{video_id}' names the object '{shown(name, 60)}', which is not among its "
                "objects; add it, or correct the name."
            )
        return video.objects.index(name)
