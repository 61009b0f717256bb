"""Valid arguments and instances of texts, videos, features and graphs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from tests.features.store.samples import STREAMS, record, records
from tests.misuse import world
from tests.misuse.makers import pixels, rows, whole

__all__ = ["INSTANCES", "VALUES"]


def boxes() -> torch.Tensor:
    corner = torch.rand(6, 2, generator=torch.Generator().manual_seed(0)) * 50
    return torch.cat([corner, corner + 10], 1)


def grid() -> Any:
    from stgraph.features import GridFeatures

    return GridFeatures(rows(2, 4, 3)(), torch.tensor([0, 16]))


def writer() -> Any:
    from stgraph.features import FeatureStoreWriter
    from tests.misuse.makers import fresh

    return FeatureStoreWriter(
        fresh(".h5")(), extractors=records(), label_names=("cat", "dog", "person")
    ).__enter__()


def npy_folder() -> Any:
    folder = world.folder() / "npy"
    folder.mkdir(exist_ok=True)
    for name in ("a", "b"):
        np.save(folder / f"{name}.npy", np.ones((4, 3), np.float32))
    return folder


def hdf5_folder() -> Any:
    import h5py

    folder = world.folder() / "hdf5"
    folder.mkdir(exist_ok=True)
    with h5py.File(folder / "a.h5", "w") as file:
        file["feats"] = np.ones((4, 3), np.float32)
    return folder


def keyed() -> Any:
    import h5py

    path = world.folder() / "keyed.h5"
    with h5py.File(path, "w") as file:
        file["a"] = np.ones((4, 3), np.float32)
    return path


def joined() -> Any:
    from stgraph.features.importers import read_npy_folders

    return read_npy_folders({"appearance": npy_folder()})


def torchvision_dicts() -> list[dict[str, torch.Tensor]]:
    return [
        {"boxes": boxes()[:2], "scores": torch.tensor([0.5, 0.9]), "labels": torch.tensor([1, 2])}
        for _ in range(3)
    ]


def ultralytics() -> Any:
    from tests.stand_ins import results

    return list(results)


def supervision() -> Any:
    from types import SimpleNamespace

    found = SimpleNamespace(
        xyxy=boxes().numpy()[:2],
        confidence=np.array([0.5, 0.9]),
        class_id=np.array([1, 2]),
        tracker_id=None,
        mask=None,
        data={},
        metadata={},
    )
    return [found, found]


def detections_folder() -> Any:
    frames = [{"frame": 3, "boxes": [[1, 1, 20, 20]], "scores": [0.5], "labels": ["cat"]}]
    content = {"video": "a", "width": 64, "height": 48, "num_frames": 12, "frames": frames}
    world.written("detections/a.json", json.dumps(content))
    features = {name: np.ones((1, 4), np.float32) for name in ("frame_features", "object_features")}
    np.savez(world.folder() / "detections" / "a.npz", **features)
    return world.folder() / "detections"


COCO = [{"image_id": 0, "category_id": 1, "bbox": [10, 10, 5, 5], "score": 0.9}]


MOT = "1,1,10,10,5,5,0.9,1,1\n2,1,11,10,5,5,0.9,1,1\n"


def saved_graph() -> Any:
    path = world.folder() / "saved.graphml"
    world.graph().save(path)
    return path


def nearest(boxes: Any, features: Any, frame: Any) -> Any:
    return torch.zeros(2, 0, dtype=torch.long), torch.zeros(0)


VALUES: dict[str, Any] = {
    # texts
    "text": "a cat jumps",
    "caption": "a cat jumps",
    "captions": lambda: list(world.SENTENCES),
    "video_ids": lambda: ["video0", "video1"],
    "ids": lambda: [f"video{index}" for index in range(10)],
    "CaptionTokenizer.vocabulary": lambda: {"<pad>": 0, "<bos>": 1, "<eos>": 2, "<unk>": 3, "a": 4, "cat": 5},
    "CaptionTokenizer.decode.ids": lambda: torch.tensor([[1, 4, 5, 2]]),
    "CaptionTokenizer.load.path": lambda: world.model_folder() / "tokenizer.json",
    # parsing
    **dict.fromkeys(("parse_json.text", "is_json.text"), '{"a": [1, 2]}'),
    **dict.fromkeys(("parse_json_lines.text", "is_json_lines.text"), '{"a": 1}\n{"a": 2}\n'),
    "parse_table.text": "id,caption\na,a cat\n",
    "lines_of.text": "a\nb\n",
    "read_json.path": world.captions_file,
    "read_text.path": world.captions_file,
    "read_plain_pickle.path": lambda: world.action_genome() / "object_bbox_and_relationship.pkl",
    "read_record.path": lambda: world.written("record.json", '{"id": "a", "path": "b"}'),
    "read_record.kind": lambda: world.Recorded,
    "read_record.what": "a record; write it again",
    "structure_of.value": lambda: {"a": [1, 2]},
    "Row.line": 1,
    "Row.values": ("a", "b"),
    "Table.path": "captions.csv",
    "Table.header": ("id", "caption"),
    "Table.rows": (),
    "Table.columns.known": lambda: {"id": ["id"], "caption": ["caption"]},
    "Table.columns.required": lambda: ["id"],
    # videos
    "VideoFeatures.sample.num_frames": 2,
    "from_supervision.frames": supervision,
    "file_frames": 100,
    "VideoReader.path": world.clip,
    "numbers": lambda: [0, 2],
    "write_video.path": lambda: world.folder() / "written.mp4",
    "write_video.frames": pixels(4, 32, 48),
    "write_video.fps": 10.0,
    "video_id_of.path": "a/b.mp4",
    "check_id.video_id": "a/b",
    # features
    "Detections.boxes": boxes,
    "Detections.scores": lambda: torch.ones(6),
    "Detections.features": rows(6, 8),
    "Detections.frame": whole(0, 0, 1, 2, 3, 4),
    "Detections.num_frames": 5,
    "Detections.labels": whole(0, 1, 0, 1, 0, 1),
    "Detections.track": whole(0, 1, 0, 1, 0, 1),
    "Detections.frame_index": whole(0, 3, 6, 9, 12),
    "Detections.time": lambda: torch.arange(5) / 10,
    "Detections.from_raw.boxes": boxes,
    "Detections.from_raw.frame_numbers": lambda: [0, 0, 1, 2, 3, 4],
    "Detections.from_raw.scores": lambda: torch.ones(6),
    "Detections.from_raw.features": rows(6, 8),
    "Detections.from_raw.track": whole(0, 1, 0, 1, 0, 1),
    "Detections.from_raw.fps": 25.0,
    "Detections.from_raw.sampled": lambda: [0, 1, 2, 3, 4],
    **dict.fromkeys(("Detections.from_coco.results", "from_coco_results.results"), lambda: list(COCO)),
    **dict.fromkeys(("Detections.from_torchvision.dicts", "from_torchvision_dicts.dicts"), torchvision_dicts),
    **dict.fromkeys(("Detections.from_ultralytics.results", "from_ultralytics.results"), ultralytics),
    **dict.fromkeys(("from_ultralytics.features", "Detections.from_ultralytics.features"), rows(8, 4)),
    **dict.fromkeys(("from_supervision.features", "Detections.from_supervision.features"), rows(4, 4)),
    "Detections.from_supervision.frames": supervision,
    "Detections.from_mot.path": lambda: world.written("mot.txt", MOT),
    **dict.fromkeys(
        ("read_yolo_text.path", "Detections.from_yolo_text.path"),
        lambda: world.written("yolo/cat_1.txt", "0 0.5 0.5 0.2 0.2 0.9\n"),
    ),
    **dict.fromkeys(("read_yolo_text.name", "Detections.from_yolo_text.name"), "cat"),
    "read_detections_folder.folder": detections_folder,
    "read_detections_folder.ids": None,
    "from_mot_text.text": MOT,
    "read_mot_text.path": lambda: world.written("mot.txt", MOT),
    "read_coco_results.path": lambda: world.written("coco.json", json.dumps(COCO)),
    "VideoFeatures.id": "video1",
    "VideoFeatures.frame_index": whole(0, 3, 6),
    "VideoFeatures.frame_time": lambda: torch.arange(3) / 10,
    "VideoFeatures.appearance": rows(3, 4),
    "VideoFeatures.motion": rows(2, 6),
    "VideoFeatures.clip_start": whole(0, 16),
    "VideoFeatures.fps": 30.0,
    "VideoFeatures.file_frames": 100,
    "VideoFeatures.grids": lambda: {"cells": grid()},
    "GridFeatures.values": rows(2, 4, 3),
    "GridFeatures.start": whole(0, 16),
    "ExtractorRecord.name": "net",
    "ExtractorRecord.weights": "abc",
    "ExtractorRecord.versions": lambda: {"torch": "2.14"},
    "ExtractorRecord.from_json.text": lambda: record().to_json() if hasattr(record(), "to_json") else "{}",
    "FeatureStoreWriter.extractors": records,
    "FeatureStoreWriter.add.video": world.video,
    "FeatureStore.path": world.store_path,
    **dict.fromkeys(("info.store", "validate.path"), world.store_path),
    "merge.sources": lambda: [world.store_path()],
    "merge.target": lambda: world.folder() / "merged.h5",
    "Problem.text": "it is damaged",
    **{f"StoreInfo.{name}": 1 for name in ("shards", "bytes", "videos", "frames", "clips", "objects")},
    "StoreInfo.path": world.store_path,
    "StoreInfo.frames_without_objects": 0,
    "StoreInfo.boxes_per_frame": (1.0, 2),
    "StoreInfo.widths": lambda: {"object": 5},
    "StoreInfo.dtype": "float16",
    "StoreInfo.label_names": ("cat",),
    "StoreInfo.extractors": lambda: {"object": record()},
    "JoinedStreams.streams": lambda: {"appearance": {"a": lambda: np.ones((4, 3), np.float32)}},
    "read_hdf5_per_video.folder": hdf5_folder,
    "read_hdf5_per_video.streams": lambda: {"appearance": "feats"},
    "read_keyed_hdf5.streams": lambda: {"appearance": (keyed(), "")},
    "read_npy_folders.folders": lambda: {"appearance": npy_folder()},
    # graphs
    "boxes": boxes,
    "box": boxes,
    "time": lambda: torch.arange(6) / 10,
    "track": whole(0, 1, 0, 1, 0, 1),
    **{
        f"{rule}.{name}": value
        for rule in (
            *(f"{rule}Edges.__call__" for rule in ("Cosine", "Iou", "Nearest", "Track")),
            *("cosine_edges", "dense_edges", "iou_edges", "self_edges"),
        )
        for name, value in (("features", rows(6, 8)), ("video", whole(0, 0, 0, 0, 0, 0)))
    },
    **dict.fromkeys(("BoxCenters.forward.data", "LinkObjects.forward.data"), world.graph),
    **{f"{name}.rule": lambda: nearest for name in ("adjacent_only", "spans_videos", "wants_video")},
    "edge_rule_names.slot": "spatial",
    "find_edge_rule.slot": "spatial",
    "register_edge_rule.rule": lambda: nearest,
    "register_edge_rule.name": "closest",
    "graphs_of.videos": lambda: [world.video(), world.video()],
    "grid_names.streams": lambda: list(STREAMS),
    "VideoGraph.load.path": saved_graph,
    "VideoGraph.from_networkx.nx_graph": lambda: world.graph().to_networkx(),
    "VideoGraph.snapshot.start_time": 0.0,
    "end_time": 1.0,
    "VideoGraphBuilder.build_batch.appearance": lambda: [rows(3, 4)(), rows(3, 4)()],
    "VideoGraphBuilder.build_batch.detections": lambda: [world.detections(), world.detections()],
    "VideoGraphBuilder.build_batch.motion": None,
    "VideoGraphBuilder.build_batch.video_id": lambda: ["a", "b"],
}


INSTANCES: dict[str, Callable[[], Any]] = {
    "FeatureStore": world.store,
    "FeatureStoreWriter": writer,
    "GridFeatures": grid,
    "VideoFeatures": world.video,
    "Detections": world.detections,
    "VideoGraph": world.graph,
    "JoinedStreams": joined,
}
