"""Real tracks and real detections through the forms of other libraries and back."""

import json

import numpy as np
import pytest
import torch

from stgraph.features import Detections
from stgraph.features.adapters import (
    from_supervision,
    from_torchvision_dicts,
    read_coco_results,
    read_mot_text,
    to_coco_results,
    to_mot_text,
    to_supervision,
    to_torchvision_dicts,
)
from stgraph.features.importers import read_detections_folder
from stgraph.graph import VideoGraphBuilder
from tests.features.adapters.samples import assert_same


@pytest.fixture(scope="module")
def clips(real_data):
    videos, _ = read_detections_folder(real_data / "detections")
    return {video.id: video.detections for video in videos}


def test_tracks_as_mot_text_become_graphs_that_keep_them(real_data, tmp_path):
    arrays = np.load(real_data / "boxes" / "ucf101_24_tracks.npz")
    names = sorted({key.rsplit("__", 1)[0] for key in arrays.files})
    assert len(names) == 200
    builder = VideoGraphBuilder(max_objects=None, score_threshold=0.0)
    for name in names:
        numbers, boxes, tracks = (arrays[f"{name}__{part}"] for part in ("frame", "box", "track"))
        sampled = range(int(numbers.min()), int(numbers.max()) + 1)
        video = Detections.from_raw(
            boxes=boxes, frame_numbers=numbers, track=tracks, size=(240, 320), sampled=sampled, fps=25.0
        )
        path = tmp_path / f"{name}.txt"
        path.write_text(to_mot_text(video), encoding="utf-8")
        back = read_mot_text(path, (240, 320), sampled=sampled, fps=25.0)
        assert_same(back, video)
        graph = builder(back)
        assert torch.equal(graph.track, torch.from_numpy(tracks).long())  # the arrays are sorted by frame
        assert torch.equal(graph.box, torch.from_numpy(boxes).float())
        assert torch.equal(graph.edge_weight, builder(video).edge_weight)


def test_detections_through_supervision_and_torchvision(clips):
    assert len(clips) == 27
    for video in clips.values():
        numbers = video.frame_index.tolist()
        assert_same(from_supervision(to_supervision(video), video.size, sampled=numbers), video)
        assert_same(from_torchvision_dicts(to_torchvision_dicts(video), video.size, sampled=numbers), video)


def test_all_clips_in_one_file_of_coco_results(clips, tmp_path):
    places = [(name, number) for name, video in clips.items() for number in video.frame_index.tolist()]
    images = dict(enumerate(places))
    ids = {name: [image for image, place in images.items() if place[0] == name] for name in clips}
    entries = [entry for name, video in clips.items() for entry in to_coco_results(video, ids[name])]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(entries))
    read = read_coco_results(path, {name: video.size for name, video in clips.items()}, images=images)
    assert list(read) == list(clips)
    for name, video in clips.items():
        assert_same(read[name], video, but=("features", "features_are_geometry"))
