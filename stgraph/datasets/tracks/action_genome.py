"""Action Genome: a person, the objects around, and relations between them, in frames of Charades videos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from stgraph.checking import checked
from stgraph.datasets.by_video import ByVideo
from stgraph.datasets.tracks.annotated_video import AnnotatedVideo
from stgraph.datasets.tracks.layouts import FARTHEST, usable_boxes
from stgraph.datasets.tracks.track_dataset import TrackDataset, existing_file, existing_folder
from stgraph.errors import DataError, shown
from stgraph.features.detections import Detections
from stgraph.parsing import PickledArray, read_plain_pickle

__all__ = ["ActionGenome"]

LAYOUT = "Action Genome (object_bbox_and_relationship.pkl and person_bbox.pkl)"
OBJECTS, PERSONS = "object_bbox_and_relationship.pkl", "person_bbox.pkl"
KINDS = ("attention_relationship", "spatial_relationship", "contacting_relationship")
PERSON = "person"
MOST = 1000
"""Largest number of objects in a frame, and of relations of an object; the data set has at most a few dozen."""


@checked
class ActionGenome(TrackDataset):
    """Action Genome: relations of a person to objects, several at a time, in annotated frames of Charades videos.

    ``folder`` holds the two pickles of the release. They are read without running code: files that name anything but
    arrays of numbers are refused. Relations lead from the person to an object and are of three kinds, so that a pair has
    several; ``relation_kinds`` says of which kind each one is.

    A class occurs once in a frame, so the number of its class is the object's track. Of several boxes of persons the one
    with the highest score is the person of the relations, of track 0; the others have no track. Objects that are marked as
    not visible have no box and are left out.

    Args:
        folder: The folder.

    Attributes:
        relation_kinds: "attention", "spatial" or "contacting" for each relation.

    Raises:
        MissingDataError: If a file does not exist.
        DataError: If a file is damaged, holds other things than plain values, or is of another layout.

    Reference: Ji et al., CVPR 2020, https://arxiv.org/abs/1912.06992.
    """

    name = "action_genome"

    def __init__(self, folder: str | Path) -> None:
        self.folder = existing_folder(folder, LAYOUT)
        self._objects = self._frames(OBJECTS)
        self._persons = self._frames(PERSONS)
        if strangers := sorted(self._objects.keys() ^ self._persons.keys()):
            raise DataError(
                f"The frame '{shown(strangers[0])}' is in only one of {OBJECTS} and {PERSONS} of {self.folder}; both must "
                "be of the same version."
            )
        labels: set[str] = set()
        relations: dict[str, set[str]] = {kind: set() for kind in KINDS}
        self._splits: ByVideo[str | None] = ByVideo(self.name, {})
        self._by_video: ByVideo[list[str]] = ByVideo(self.name, {})
        for key, things in self._objects.items():
            video_id = self._place(key)[0]
            self._by_video.setdefault(video_id, []).append(key)
            for thing in self._things(key, things):
                labels.add(thing["class"])
                for kind in KINDS:
                    relations[kind] |= set(self._relations(key, thing, kind))
                if self._splits.get(video_id) is None:
                    self._splits[video_id] = self._split(key, thing)
            self._splits.setdefault(video_id, None)
        self.ids = tuple(sorted(self._by_video))
        self.label_names = (PERSON, *sorted(labels - {PERSON}))
        pairs = [(name, kind) for kind in KINDS for name in sorted(relations[kind])]
        self.relation_names = tuple(name for name, _ in pairs)
        self.relation_kinds = tuple(kind.removesuffix("_relationship") for _, kind in pairs)

    def split_of(self, video_id: str) -> str | None:
        """The official split of a video: "train" or "test"."""
        return self._splits[video_id]

    def group_of(self, video_id: str) -> None:
        """None: the person of a video is not named."""
        return

    def _frames(self, name: str) -> dict[str, Any]:
        path = existing_file(self.folder / name, LAYOUT)
        content = read_plain_pickle(path)
        if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
            raise DataError(
                f"{shown(path)} must be a dictionary by frame; get the file of the release again."
            )
        return content

    def _place(self, key: str) -> tuple[str, int]:
        """Video and frame number of a key such as "001YG.mp4/000089.png"."""
        video, _, frame = key.partition("/")
        number = frame.partition(".")[0]
        if not video or not (number.isascii() and number.isdigit()) or len(number) > 9:
            raise DataError(
                f"{self.folder}: a frame must be named like '001YG.mp4/000089.png', got '{shown(key, 60)}'."
            )
        return video.removesuffix(".mp4"), int(number)

    def _things(self, key: str, things: Any) -> list[dict[str, Any]]:
        good = isinstance(things, list) and len(things) <= MOST
        if not good or not all(isinstance(t, dict) and isinstance(t.get("class"), str) for t in things):
            raise DataError(
                f"{self.folder / OBJECTS}: '{shown(key, 60)}' must be a list of at most {MOST} objects with 'class' and "
                "'bbox'; the file is of another version."
            )
        return things

    def _split(self, key: str, thing: dict[str, Any]) -> str | None:
        about = {} if thing.get("metadata") is None else thing["metadata"]
        if not isinstance(about, dict) or not isinstance(about.get("set"), str | None):
            raise DataError(
                f"{self.folder / OBJECTS}: 'metadata' of '{shown(key, 60)}' must have the split under 'set', got "
                f"{shown(repr(about), 60)}."
            )
        split: str | None = about.get("set")
        return split

    def _relations(self, key: str, thing: dict[str, Any], kind: str) -> list[str]:
        names = thing.get(kind) or []
        if (
            not isinstance(names, list)
            or len(names) > MOST
            or not all(isinstance(name, str) for name in names)
        ):
            raise DataError(
                f"{self.folder / OBJECTS}: '{kind}' of '{shown(key, 60)}' must be a list of at most {MOST} names."
            )
        return names

    def _person_boxes(self, key: str) -> tuple[np.ndarray, tuple[int, int]]:
        """Boxes of persons, the best first, and height and width of the picture."""
        entry = self._persons[key]
        where = f"{self.folder / PERSONS}: '{shown(key, 60)}'"
        if not isinstance(entry, dict) or entry.get("bbox_mode", "xyxy") != "xyxy":
            raise DataError(f"{where} must have a 'bbox' in the mode xyxy; the file is of another version.")
        boxes, size = _boxes(entry.get("bbox"), where), entry.get("bbox_size")
        if (
            not isinstance(size, tuple | list)
            or len(size) != 2
            or not all(type(n) is int and n > 0 for n in size)
        ):
            raise DataError(
                f"{where} must have a 'bbox_size' of width and height, got {shown(repr(size), 60)}."
            )
        scores = entry.get("bbox_score")
        if scores is not None and len(found := _numbers(scores, where).reshape(-1)) == len(boxes):
            boxes = boxes[np.argsort(-found, kind="stable")]
        return boxes, (size[1], size[0])

    def read(self, video_id: str) -> AnnotatedVideo:
        """Reads one video; its frames are the annotated ones."""
        keys = sorted(self._by_video[video_id], key=lambda key: self._place(key)[1])
        number = {name: place for place, name in enumerate(self.label_names)}
        relation_number = {
            (kind, name): place
            for place, (name, kind) in enumerate(zip(self.relation_names, self.relation_kinds, strict=True))
        }
        rows: list[tuple[float, ...]] = []  # frame, label, track, x1, y1, x2, y2
        relations: list[tuple[int, int, int]] = []
        invisible = 0
        size = self._person_boxes(keys[0])[1]
        for key in keys:
            frame = self._place(key)[1]
            persons, _ = self._person_boxes(key)
            person = len(rows) if len(persons) else -1
            rows += [(frame, 0, -1 if n else 0, *box) for n, box in enumerate(persons.tolist())]
            for thing in self._things(key, self._objects[key]):
                if (box := thing.get("bbox")) is None:
                    invisible += 1
                    continue
                label = number[thing["class"]]
                x, y, w, h = _boxes(box, f"{self.folder / OBJECTS}: '{shown(key, 60)}'", count=1)[0]
                for kind in KINDS:
                    relations += [
                        (person, len(rows), relation_number[kind.removesuffix("_relationship"), name])
                        for name in dict.fromkeys(self._relations(key, thing, kind))
                    ]
                rows.append((frame, label, label, x, y, x + w, y + h))
        values = np.array(rows, dtype=np.float64).reshape(-1, 7)
        good, dropped = usable_boxes(values[:, 3:], size)
        place = np.where(good, good.cumsum() - 1, -1)
        triples = np.array(relations, dtype=np.int64).reshape(-1, 3)
        ends = np.where(triples[:, :2] < 0, -1, place[triples[:, :2]] if len(place) else -1)
        kept = (ends >= 0).all(1)
        if invisible:
            dropped["objects that are not visible"] = invisible
        if not kept.all():
            dropped["relations of a thing without a box"] = int((~kept).sum())
        values = values[good]
        return AnnotatedVideo(
            video_id,
            Detections.from_raw(
                boxes=values[:, 3:].astype(np.float32),
                frame_numbers=values[:, 0].astype(np.int64),
                labels=values[:, 1].astype(np.int64),
                track=values[:, 2].astype(np.int64),
                size=size,
                sampled=[self._place(key)[1] for key in keys],
            ),
            split=self.split_of(video_id),
            relation_index=torch.from_numpy(ends[kept].T.copy()),
            relation=torch.from_numpy(triples[kept, 2]),
            dropped=dropped,
        )


def _boxes(value: Any, where: str, count: int | None = None) -> np.ndarray:
    """Rows of four numbers; exactly ``count`` of them unless it is None."""
    found = _numbers(value, where)
    if found.size % 4 or found.ndim not in (1, 2) or (count is not None and found.size != 4 * count):
        raise DataError(f"{where} must have boxes of four numbers; the file is damaged.")
    return found.reshape(-1, 4)


def _numbers(value: Any, where: str) -> np.ndarray:
    try:
        found = value.numpy() if isinstance(value, PickledArray) else np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        found = np.array([np.nan])
    if not (np.abs(found) <= FARTHEST).all():
        raise DataError(
            f"{where} must have boxes and scores of numbers up to {FARTHEST:g}; the file is damaged."
        )
    return found
