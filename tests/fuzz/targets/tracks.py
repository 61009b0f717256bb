"""Files of tracked and labelled boxes: what is accepted are positions, with names that exist, and makes a graph."""

from __future__ import annotations

import io
import pickle
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from stgraph.datasets.tracks import CAD120, JAAD, ActionGenome, AnnotatedVideo, TrackDataset, VidOR, VidVRD
from tests.datasets.tracks import layouts
from tests.fuzz.mutations import mutate_bytes, mutate_text, mutate_tree
from tests.fuzz.target import Silent, Target

READERS: dict[str, Callable[[Path], TrackDataset]] = {
    "cad120": CAD120,
    "jaad": JAAD,
    "jaadxml": JAAD,
    "vidvrd": VidVRD,
    "vidor": VidOR,
    "genome": ActionGenome,
}
FILES = {
    "cad120-cad120.json": "cad120.json",
    "cad120-tracks.npz": "tracks.npz",
    "jaad-jaad.json": "jaad.json",
    "jaad-tracks.npz": "tracks.npz",
    "jaadxml-video.xml": "annotations/video_0001.xml",
    "jaadxml-train.txt": "split_ids/default/train.txt",
    "vidvrd-v.json": "train/v.json",
    "vidor-v.json": "training/0000/v.json",
    "genome-objects.pkl": "object_bbox_and_relationship.pkl",
    "genome-persons.pkl": "person_bbox.pkl",
}
"""Files that are mutated, by the name of the seed: the reader, a hyphen, and what the file is."""
NUMBERS = (0, -1, 1, 7, 1e9, 3e38, float("nan"), float("inf"), -float("inf"), 0.5)


class Tracks(Target):
    """A seed takes its place in a folder of its data set, whose other files are as they should be."""

    name = "tracks"

    def prepare(self) -> dict[str, bytes]:
        layouts.write_cad120(self.folder / "cad120")
        layouts.write_jaad_packed(self.folder / "jaad")
        layouts.write_jaad_official(self.folder / "jaadxml")
        layouts.write_action_genome(self.folder / "genome")
        for name in ("vidvrd", "vidor"):
            layouts.write_json(self.folder / name / FILES[f"{name}-v.json"], layouts.vidvrd_video())
        return {
            seed: (self.folder / seed.partition("-")[0] / file).read_bytes() for seed, file in FILES.items()
        }

    def mutate(self, draw: random.Random, seed: str, content: bytes, others: Sequence[bytes]) -> bytes:
        kind = seed.rpartition(".")[2]
        if kind in ("json", "txt", "xml"):
            return mutate_text(draw, content, others)
        if draw.random() < 0.3:
            return mutate_bytes(draw, content, others)
        if kind == "npz":
            return _mutate_arrays(draw, content)
        return pickle.dumps(mutate_tree(draw, pickle.loads(content)), draw.choice((2, 4, 5)))

    def check(self, seed: str, path: Path) -> None:
        reader = seed.partition("-")[0]
        folder = shutil.copytree(self.folder / reader, path.parent / reader)
        (folder / FILES[seed]).write_bytes(path.read_bytes())
        data = READERS[reader](folder)
        for video in data:
            _check_video(data, video)
            if data.split_of(video.video_id) != video.split or data.group_of(video.video_id) != video.group:
                raise Silent("the split or the group of a video is not that of its annotations")


def _check_video(data: TrackDataset, video: AnnotatedVideo) -> None:
    boxes = video.detections
    if not bool(torch.isfinite(boxes.boxes).all()) or bool((boxes.boxes[:, :2] >= boxes.boxes[:, 2:]).any()):
        raise Silent("a box is no position")
    if len(boxes) and not -1 <= int(boxes.labels.min()) <= int(boxes.labels.max()) < len(data.label_names):
        raise Silent("a box is of a class without a name")
    if len(boxes) and int(boxes.track.min()) < -1:
        raise Silent("a track has a negative number")
    if len(video.relation) and not 0 <= int(video.relation.min()) <= int(video.relation.max()) < len(
        data.relation_names
    ):
        raise Silent("a relation has no name")
    for name, values in video.states.items():
        if len(values) and not -1 <= int(values.min()) <= int(values.max()) < len(data.state_names[name]):
            raise Silent(f"a state '{name}' has no name")
    last = int(video.frame_numbers[-1])
    if any(segment.end > last + 1 for segment in video.segments):
        raise Silent("a segment ends after the video")
    video.features()
    graph = video.graph()
    if graph.num_nodes != len(boxes):
        raise Silent("the graph has other nodes than the video")
    for segment in video.segments:
        video.clip(segment.start, segment.end, 3).graph()


def _mutate_arrays(draw: random.Random, content: bytes) -> bytes:
    """Changes a value, the type, the shape or the name of an array."""
    arrays = dict(np.load(io.BytesIO(content)))
    name = draw.choice(list(arrays))
    array = arrays.pop(name)
    match draw.randrange(5):
        case 0 | 1 if array.size:
            array = array.astype(draw.choice(("f4", "f8", "i8")))
            with np.errstate(invalid="ignore"):
                array.flat[draw.randrange(array.size)] = np.array(draw.choice(NUMBERS)).astype(array.dtype)
        case 2:
            array = array.astype(draw.choice(("u1", "f2", "c8", "U3", "S3", "M8[s]", ">i4", "?", "u8")))
        case 3:
            array = draw.choice(
                (array.ravel(), array[..., :0], array[:1], array[None], np.array(5), np.repeat(array, 2, -1))
            )
        case 4:
            name = draw.choice(("x", f"{name}.npy", ""))
    arrays[name] = array
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


TARGET = Tracks
