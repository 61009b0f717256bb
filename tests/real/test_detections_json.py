"""Detections of real clips by a real detector, from the files to a store and back."""

import json

import numpy as np
import torch

from stgraph.datasets import CaptionCorpus
from stgraph.features import ExtractorRecord, FeatureStore, FeatureStoreWriter
from stgraph.features.importers import read_detections_folder
from stgraph.features.store import info, validate


def test_all_clips_come_back_from_a_store(real_data, tmp_path):
    folder = real_data / "detections"
    videos, names = read_detections_folder(folder)
    records = {stream: ExtractorRecord("mobilenet", "imagenet", {}) for stream in ("appearance", "object")}
    with FeatureStoreWriter(tmp_path / "store.h5", extractors=records, label_names=names) as writer:
        for video in videos:
            writer.add(video)
    assert validate(tmp_path / "store.h5") == []
    store = FeatureStore(tmp_path / "store.h5")
    assert len(store) == len(list(folder.glob("*.npz"))) == 27
    assert store.widths == {"appearance": 1024, "object": 1024}
    CaptionCorpus.load(real_data / "clips" / "captions.json").check_against(store.ids)

    empty = 0
    for video_id in store.ids:
        frames = json.loads((folder / f"{video_id}.json").read_text())["frames"]
        video, arrays = store[video_id], np.load(folder / f"{video_id}.npz")
        assert torch.equal(video.appearance, torch.from_numpy(arrays["frame_features"]).float())
        assert torch.equal(video.detections.features, torch.from_numpy(arrays["object_features"]).float())
        assert video.frame_index.tolist() == [frame["frame"] for frame in frames]
        boxes = [box for frame in frames for box in frame["boxes"]]
        assert video.detections.boxes.tolist() == boxes
        assert [names[label] for label in video.detections.labels] == [
            name for frame in frames for name in frame["labels"]
        ]
        assert video.detections.frame.bincount(minlength=len(frames)).tolist() == [
            len(frame["boxes"]) for frame in frames
        ]
        empty += sum(not frame["boxes"] for frame in frames)
    assert empty > 0
    assert info(store).frames_without_objects == empty
