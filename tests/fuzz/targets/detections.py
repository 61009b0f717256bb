"""Files of boxes and features: what is accepted is finite, is stored and read again, and makes a graph."""

from __future__ import annotations

import io
import json
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import torch

from stgraph import VideoGraphBuilder
from stgraph.features import Detections, ExtractorRecord, FeatureStore, FeatureStoreWriter, VideoFeatures
from stgraph.features.adapters import (
    from_mot_text,
    read_coco_results,
    read_mot_text,
    read_yolo_text,
    to_coco_results,
    to_mot_text,
)
from stgraph.features.importers import (
    read_detections_folder,
    read_hdf5_per_video,
    read_keyed_hdf5,
    read_npy_folders,
)
from stgraph.features.store import validate
from tests.features.adapters.samples import SIZE, random_detections
from tests.fuzz.mutations import mutate_text
from tests.fuzz.target import Silent, Target
from tests.fuzz.targets.hdf5 import restructure

FRAMES = [
    {
        "frame": 2,
        "boxes": [[-3.0, 1, 30, 40], [5, 5, 900, 50]],
        "scores": [0.9, 0.4],
        "labels": ["dog", "cat"],
    },
    {"frame": 5, "boxes": [], "scores": [], "labels": []},
    {"frame": 9, "boxes": [[0, 0, 10, 10]], "scores": [0.5], "labels": ["cat"]},
]
YOLO = {
    "yolo-boxes.txt": ("0 0.5 0.5 0.25 0.25 0.9 3", "2 0.1 0.2 0.05 0.1 0.5 4", "1 0.9 0.9 0.1 0.1 0.75 5"),
    "yolo-poses.txt": (
        "0 0.5 0.5 0.3 0.3 0.4 0.4 0.9 0.6 0.6 0.8 0.7",
        "0 0.2 0.2 0.1 0.1 0.2 0.2 0.5 0 0 0 0.6",
    ),
    "yolo-masks.txt": ("3 0.1 0.1 0.4 0.1 0.4 0.5 0.5", "1 0.6 0.6 0.9 0.6 0.9 0.9 0.6 0.9 0.25"),
}


class DetectionFiles(Target):
    """A seed's name begins with the reader."""

    name = "detections"

    def prepare(self) -> dict[str, bytes]:
        boxes = random_detections(num_boxes=8)
        seeds = {name: "\n".join(lines).encode() for name, lines in YOLO.items()}
        seeds["mot.txt"] = to_mot_text(boxes).encode()
        results = to_coco_results(boxes)
        masks = [
            [[10, 10, 60, 10, 60, 50]],
            {"size": list(SIZE), "counts": [100, 50, SIZE[0] * SIZE[1] - 150]},
            {"size": list(SIZE), "counts": _runs()},
        ]
        for k, entry in enumerate(results):
            entry["segmentation"] = masks[k % 3]
            entry["keypoints"] = [10, 20, 0.9, 30.5, 40, 0.8]
        seeds["coco.json"] = json.dumps(results).encode()
        content = {"video": "v", "width": 64, "height": 48, "num_frames": 12, "fps": 25, "frames": FRAMES}
        seeds["json-v.json"] = json.dumps(content).encode()
        draw = np.random.default_rng(0)
        arrays = {
            "frame_features": draw.normal(size=(3, 6)).astype(np.float16),
            "object_features": draw.normal(size=(3, 4)).astype(np.float32),
        }
        for name, write in (("npz-plain.npz", np.savez), ("npz-packed.npz", np.savez_compressed)):
            file = io.BytesIO()
            write(file, **arrays)
            seeds[name] = file.getvalue()
        for name, array in (
            ("npy-half.npy", arrays["frame_features"]),
            ("npy-double.npy", draw.normal(size=(4, 3))),
        ):
            file = io.BytesIO()
            np.save(file, array)
            seeds[name] = file.getvalue()
        path = self.folder / "made.h5"
        with h5py.File(path, "w") as h5:
            for k in range(3):
                h5[f"resnet/v{k}"] = draw.normal(size=(3 + k, 5)).astype(np.float32)
                h5.create_dataset(
                    f"c3d/v{k}", data=draw.normal(size=(2, 4)), chunks=(1, 4), compression="gzip"
                )
        seeds["keyed.h5"] = path.read_bytes()
        with h5py.File(path, "w") as h5:
            h5["resnet"] = draw.normal(size=(3, 5)).astype(np.float32)
            h5["c3d"] = draw.normal(size=(2, 4))
        seeds["each.h5"] = path.read_bytes()
        return seeds

    def mutate(self, draw: random.Random, seed: str, content: bytes, others: Sequence[bytes]) -> bytes:
        if seed.endswith((".txt", ".json")):
            return mutate_text(draw, content, others)
        if seed.endswith(".h5") and draw.random() < 0.3:
            return restructure(draw, content, self.folder)
        return super().mutate(draw, seed, content, others)

    def check(self, seed: str, path: Path) -> None:
        kind, folder = seed.partition("-")[0].partition(".")[0], path.parent
        options = {"coco": {"size": SIZE, "masks": True}, "mot": {"size": SIZE, "fps": 25.0}}.get(kind, {})
        if kind == "mot":
            found = read_mot_text(path, **options)
            check_detections(found)
            again = from_mot_text(to_mot_text(found), SIZE, fps=25.0)
            _same_boxes(found, again)
        elif kind == "coco":
            (found,) = read_coco_results(path, **options).values()
            check_detections(found)
            text = json.dumps(to_coco_results(found), allow_nan=False)
            again_path = folder / "again.json"
            again_path.write_text(text)
            (again,) = read_coco_results(again_path, **options).values()
            _same_boxes(found, again)
            if (
                not torch.equal(found.masks, again.masks)
                if found.masks is not None
                else again.masks is not None
            ):
                raise Silent("the masks are others when they are written and read again")
        elif kind == "yolo":
            more = {
                "yolo-poses.txt": {"keypoints": (2, 3)},
                "yolo-masks.txt": {"segments": True, "masks": True, "extra": ("conf",)},
            }.get(seed, {})
            check_detections(read_yolo_text(path, SIZE, **more))
        elif kind in ("json", "npz"):
            source = self.folder / "seeds"
            target = folder / "in"
            target.mkdir()
            shutil.copy(path if kind == "json" else source / "json-v.json", target / "v.json")
            shutil.copy(path if kind == "npz" else source / "npz-plain.npz", target / "v.npz")
            videos, names = read_detections_folder(target)
            check_stored(list(videos), names, folder)
        elif kind == "npy":
            target = folder / "in"
            target.mkdir()
            shutil.copy(path, target / "v.npy")
            check_stored(list(read_npy_folders({"appearance": target})), (), folder)
        elif kind == "keyed":
            check_stored(
                list(read_keyed_hdf5({"appearance": (path, "resnet"), "motion": (path, "c3d")}, common=True)),
                (),
                folder,
            )
        else:
            target = folder / "in"
            target.mkdir()
            shutil.copy(path, target / "v.h5")
            check_stored(
                list(read_hdf5_per_video(target, {"appearance": "resnet", "motion": "c3d"})), (), folder
            )


def check_detections(found: Detections) -> None:
    """Checks that detections are finite and make a graph."""
    for name, value in found.to_dict().items():
        if isinstance(value, torch.Tensor) and value.is_floating_point() and not bool(value.isfinite().all()):
            raise Silent(f"'{name}' is not finite")
    graph = VideoGraphBuilder(score_threshold=0.0)(found)
    for name, value in graph.to_dict().items():  # an unknown time is NaN
        if (
            name != "time"
            and isinstance(value, torch.Tensor)
            and value.is_floating_point()
            and not bool(value.isfinite().all())
        ):
            raise Silent(f"'{name}' of the graph is not finite")


def check_stored(videos: list[VideoFeatures], names: Sequence[str], folder: Path) -> None:
    """Checks that videos are stored, valid, and the same when they are read."""
    streams = [
        name
        for name, there in (
            ("appearance", videos[0].appearance),
            ("motion", videos[0].motion),
            ("object", videos[0].detections),
        )
        if there is not None
    ]
    records = {stream: ExtractorRecord("net", "abc", {}, {}) for stream in streams}
    path = folder / "stored.h5"
    with FeatureStoreWriter(path, extractors=records, label_names=names, dtype="float32") as writer:
        for video in videos:
            writer.add(video)
    if problems := validate(path):
        raise Silent(f"a store of them is not valid: {problems[0]}")
    store = FeatureStore(path)
    if store.ids != tuple(video.id for video in videos):
        raise Silent("a store of them has other ids")
    for video in videos:
        read = store[video.id]
        for name in ("frame_index", "appearance", "motion", "clip_start"):
            one, other = getattr(video, name), getattr(read, name)
            if (one is None) != (other is None) or (one is not None and not torch.equal(one, other)):
                raise Silent(f"'{name}' of the stored video is another")
        if not torch.equal(video.frame_time.nan_to_num(-1), read.frame_time.nan_to_num(-1)):
            raise Silent("'frame_time' of the stored video is another")
        if video.detections is not None and read.detections is not None:
            check_detections(read.detections)
            _same_boxes(video.detections, read.detections)


def _same_boxes(one: Detections, other: Detections) -> None:
    for name in ("boxes", "scores", "labels", "track", "frame_index", "keypoints"):
        left, right = getattr(one, name), getattr(other, name)
        if (left is None) != (right is None) or (left is not None and not torch.equal(left, right)):
            raise Silent(f"'{name}' is another when it is written and read again")


def _runs() -> str:
    from stgraph.features.adapters.mask_codes import encode_mask

    mask = np.zeros(SIZE, dtype=bool)
    mask[5:40, 7:80] = True
    return str(encode_mask(mask)["counts"])


TARGET = DetectionFiles
