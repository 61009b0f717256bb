"""Valid arguments and instances of data sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from tests.misuse import world
from tests.misuse.makers import pixels

__all__ = ["INSTANCES", "VALUES"]


def annotated() -> Any:
    from stgraph.datasets.tracks import CAD120

    return CAD120(world.cad120())["v0"]


def reader(name: str, folder: Callable[[], Any]) -> Callable[[], Any]:
    def make() -> Any:
        from stgraph.datasets import tracks

        return getattr(tracks, name)(folder())

    return make


def video_dataset() -> Any:
    from stgraph.datasets import VideoGraphDataset

    return VideoGraphDataset(world.store_path())


def graph_list() -> Any:
    from stgraph.datasets import GraphList

    return GraphList({"a": world.graph(), "b": world.graph()})


def stored_graphs() -> Any:
    from stgraph.datasets import StoredGraphs
    from stgraph.graph import VideoGraphBuilder

    return StoredGraphs(world.store(), VideoGraphBuilder(), num_frames=3)


def labelled_batch() -> Any:
    return next(iter(world.labelled().train_dataloader()))


def scene() -> Any:
    from stgraph.datasets.interactions import make_scene

    return make_scene(0, 1)


def colours() -> Any:
    from stgraph.datasets.interactions.pixels import colour_map

    return colour_map(pixels(8, 32, 32)())


def coloured_boxes() -> Any:
    from stgraph.features import Detections

    return Detections(
        boxes=torch.tensor([[2.0, 2.0, 12.0, 12.0]]).repeat(8, 1),
        scores=torch.ones(8),
        features=torch.ones(8, 2),
        frame=torch.arange(8),
        num_frames=8,
        size=(32, 32),
    )


def patches() -> Any:
    from stgraph.datasets.interactions.pixels import box_patches

    return box_patches(colours(), coloured_boxes())


def labels_of(*names: str) -> Callable[[], dict[str, list[str]]]:
    return lambda: {name: list(world.SENTENCES) for name in names}


def reference_texts() -> dict[str, list[str]]:
    from stgraph.datasets.interactions import reference_sentences, video_id

    return {video_id(0, 1): reference_sentences(scene(), 0, 1)}


def _frame_rows() -> np.ndarray:
    from stgraph.datasets.interactions.pixels import frame_appearance

    return frame_appearance(colours())


VALUES: dict[str, Any] = {
    # corpora
    "CaptionCorpus.videos": lambda: {
        name: world.corpus()[name] for name in ("video0", "video1", "video2", "video3")
    },
    "CaptionCorpus.load.path": world.corpus_file,
    "draw_splits.ids": lambda: [f"video{index}" for index in range(60)],
    "categories": lambda: ["animals"],
    "store_ids": lambda: [f"video{index}" for index in range(4)],
    "VideoCaptions.captions": world.SENTENCES,
    "SplitSummary.videos": 3,
    "SplitSummary.captions": 3,
    "SplitSummary.words": 3,
    "SplitSummary.longest": 3,
    "CorpusSummary.splits": dict,
    "CorpusSummary.differences.name": "msvd",
    "references": labels_of("video0", "video1"),
    "pair_batches.num_captions": lambda: [2, 3, 1],
    "batch_size": 2,
    "read_msrvtt_captions.paths": world.captions_file,
    "read_msvd_captions.path": world.captions_file,
    "read_msrvtt1000_captions.path": world.msrvtt_file,
    "read_msvd_captions.splits": lambda: {"train": [f"video{index}" for index in range(4)]},
    "read_own_captions.path": world.captions_file,
    "read_captions.path": world.captions_file,
    # data sets
    "open_dataset.name": "interactions",
    "open_dataset.arguments": {"size": "tiny"},
    "source": world.store_path,
    "idx": 0,
    "GraphList.graphs": lambda: {"a": world.graph(), "b": world.graph()},
    "GraphList.batch.video_ids": lambda: ["a", "b"],
    "GraphList.frames_of.video_id": "a",
    "GraphList.pooled_appearance.video_id": "a",
    "StoredGraphs.num_frames": 3,
    "streams": lambda: ["object"],
    "epoch": 0,
    **{
        f"ClassificationBatch.{name}": (lambda name=name: getattr(labelled_batch(), name))
        for name in ("graphs", "ids", "groups", "query", "labels", "item", "keys", "total", "owned")
    },
    "ClassificationBatch.scored.probabilities": lambda: torch.full((2, 2), 0.5),
    "ClassificationDataModule.train": lambda: world.examples()[:2],
    "ClassificationDataModule.val": lambda: world.examples()[2:],
    "ClassificationDataModule.batch_of.ids": lambda: ["clip0"],
    "CaptionDataModule.train": lambda: [(world.graph(), list(world.SENTENCES))],
    "CaptionDataModule.from_store.store": world.store_path,
    "CaptionDataModule.from_store.captions": world.captions_file,
    "CaptionDataModule.from_dataset.num_frames": 3,
    "CaptionDataModule.read_only.streams": lambda: ["object"],
    "CaptionBatch.video_ids": lambda: world.batch().video_ids,
    "CaptionBatch.graphs": lambda: world.batch().graphs,
    "CaptionBatch.tokens": lambda: world.batch().tokens,
    "CaptionBatch.video": lambda: world.batch().video,
    "CaptionBatch.split.num_captions": 1,
    "items": lambda: [(world.graph(), list(world.SENTENCES))],
    "sentences": lambda: [["a cat"], ["a dog", "a cat"]],
    "VideoGraphDataset.ids": lambda: ["video0", "video1"],
    # tracks
    **{f"{name}_examples.ids": lambda: ["v0"] for name in ("clip", "relation")},
    "track_examples.window": 2,
    "track_examples.ids": lambda: ["video_0001"],
    **{
        f"{name}.{folder}": make
        for name, make in (
            ("CAD120", world.cad120),
            ("JAAD", world.jaad),
            ("ActionGenome", world.action_genome),
            ("VidVRD", world.vidvrd),
            ("VidOR", world.vidor),
        )
        for folder in ("folder", "root", "path")
    },
    **{
        f"{name}.{method}.video_id": video
        for name, video in (
            ("CAD120", "v0"),
            ("TrackDataset", "v0"),
            ("MirroredTracks", "v0-mirrored"),
            ("ActionGenome", "001YG"),
            ("JAAD", "video_0001"),
            ("VidVRD", "v0"),
            ("VidOR", "v0"),
        )
        for method in ("read", "group_of", "split_of", "activity_of")
    },
    **{
        f"{name}.split.name": "train"
        for name in ("CAD120", "JAAD", "TrackDataset", "VidVRD", "VidOR", "ActionGenome")
    },
    "AnnotatedVideo.clip.start": 0,
    "AnnotatedVideo.clip.end": 4,
    "AnnotatedVideo.detections": lambda: annotated().detections,
    "kind": "action",
    "Segment.label": "drink",
    "Segment.start": 0,
    "Segment.end": 4,
    "positions": lambda: [0, 2],
    "Fold.group": "Ann",
    "Fold.train": ("v0",),
    "Fold.test": ("v1",),
    "track_examples.state": "crossing",
    "track_examples.dataset": reader("JAAD", world.jaad),
    # generated videos
    "Kind.colour": "red",
    "Kind.shape": "ball",
    "Verb.name": "push",
    "Verb.forms": (("a", "b", None),),
    "verb": 0,
    **{
        f"Scene.{name}": (lambda name=name: getattr(scene(), name))
        for name in ("verb", "kinds", "centre", "radius")
    },
    "index_": 0,
    **{f"{name}.index": 1 for name in ("make_scene", "video_id", "reference_sentences")},
    "extract_video_features.frames": pixels(40, 128, 128),
    "extract_video_features.fps": 8.0,
    "extract_video_features.name": "interactions/0/1",
    "render_video.name": "interactions-0-00001",
    "parse_video_id.name": "interactions-0-00001",
    "noun_verb_accuracy.captions": lambda: {name: texts[0] for name, texts in reference_texts().items()},
    "noun_verb_accuracy.references": reference_texts,
    "tag_interactions.words": lambda: ["a", "red", "ball"],
    "prepare_interactions.size": "tiny",
    "write_raw_layout.videos": 2,
    "BlobDetector.__call__.frames": pixels(4, 32, 32),
    "colour_map.frames": pixels(4, 32, 32),
    "ColourMap.code": lambda: colours().code,
    "ColourMap.hue": lambda: colours().hue,
    "ColourMap.select.frames": lambda: np.array([0, 1]),
    **{
        f"BoxPatches.{name}": (lambda name=name: getattr(patches(), name)) for name in ("mask", "code", "hue")
    },
    **{
        f"{name}.detections": coloured_boxes
        for name in ("box_appearance", "box_motion", "box_patches", "box_geometry")
    },
    "box_motion.frame_index": lambda: np.arange(8),
    "frame_cells.appearance": lambda: torch.from_numpy(_frame_rows()),
}


INSTANCES: dict[str, Callable[[], Any]] = {
    "CaptionCorpus": world.corpus,
    "StoredDataset": world.dataset,
    "CaptionDataModule": world.fresh_data,
    "CaptionBatch": world.batch,
    "CaptionTokenizer": world.tokenizer,
    "ClassificationDataModule": world.labelled,
    "ClassificationBatch": labelled_batch,
    "GraphList": graph_list,
    "StoredGraphs": stored_graphs,
    "GraphSource": graph_list,
    "VideoGraphDataset": video_dataset,
    "CAD120": reader("CAD120", world.cad120),
    "TrackDataset": reader("CAD120", world.cad120),
    "JAAD": reader("JAAD", world.jaad),
    "ActionGenome": reader("ActionGenome", world.action_genome),
    "VidVRD": reader("VidVRD", world.vidvrd),
    "VidOR": reader("VidOR", world.vidor),
    "AnnotatedVideo": annotated,
    "Scene": scene,
    "ColourMap": colours,
    "BoxPatches": patches,
}
