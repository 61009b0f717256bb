"""Stored videos as a PyG data set, in loaders with and without workers."""

import json

import numpy as np
import pytest
import torch
from torch_geometric.loader import DataLoader
from torch_geometric.transforms import BaseTransform, Compose, Distance

from stgraph.datasets import VideoGraphDataset
from stgraph.errors import DataError, MissingDataError
from stgraph.graph import BoxCenters, VideoGraph, VideoGraphBuilder, graphs_of
from tests.features.store.samples import random_video, write


class Mark(BaseTransform):
    """Counts how often a graph was transformed."""

    def forward(self, data):
        data.marks = data.marks + 1 if "marks" in data else 1
        return data


@pytest.fixture
def videos():
    return [random_video(seed, name=f"v{seed}") for seed in range(5)]


@pytest.fixture
def store(tmp_path, videos):
    write(tmp_path / "store", videos)
    return tmp_path / "store"


def assert_equal(got, expected):
    assert type(got) is VideoGraph
    assert sorted(got.keys()) == sorted(expected.keys())
    for name, value in expected:
        if torch.is_tensor(value):
            torch.testing.assert_close(got[name], value, equal_nan=True, msg=name)
        else:
            assert got[name] == value, name


@pytest.mark.parametrize("context", [None, "fork", "spawn"])
def test_gives_the_graphs_of_a_store(store, videos, context):
    builder = VideoGraphBuilder("iou", "track", max_objects=2)
    dataset = VideoGraphDataset(store, builder, num_frames=2, pre_transform=Mark(), transform=Mark())
    assert (len(dataset), dataset.ids) == (5, tuple(f"v{seed}" for seed in range(5)))
    stored = [VideoGraphDataset(store)._store[name] for name in dataset.ids]
    expected = graphs_of(stored, builder, 2).to_data_list()
    workers = {} if context is None else {"num_workers": 2, "multiprocessing_context": context}
    assert len(dataset[0].video_id) == 2  # opened here before workers start
    batches = list(DataLoader(dataset, batch_size=2, **workers))
    for got, graph in zip([g for batch in batches for g in batch.to_data_list()], expected, strict=True):
        assert int(got.marks) == 2
        del got.marks
        assert_equal(got, graph)


def test_a_part_in_the_order_that_was_asked_for(store):
    dataset = VideoGraphDataset(store, ids=["v3", "v1"])
    assert [graph.video_id for graph in dataset] == ["v3", "v1"]
    assert dataset[1:][0].video_id == "v1"
    with pytest.raises(DataError, match=r"has no video 'v9'; it has 5, such as 'v0'"):
        VideoGraphDataset(store, ids=["v1", "v9"])


def test_gives_the_graphs_of_a_folder_of_detections(tmp_path):
    for number, (name, labels) in enumerate({"a": ["dog", "cat"], "b": ["cat", "zebra"]}.items()):
        boxes = [[0, 0, 9, 9], [5, 5, 20, 20]]
        frames = [{"frame": 0, "boxes": boxes, "scores": [0.9, 0.4], "labels": labels}]
        content = {"width": 64, "height": 48, "num_frames": 3, "frames": frames}
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        arrays = {"frame_features": np.ones((1, 3)), "object_features": np.full((2, 4), number + 1.0)}
        np.savez(tmp_path / f"{name}.npz", **arrays)
    dataset = VideoGraphDataset(tmp_path, transform=Compose([BoxCenters(), Distance()]))
    assert dataset.label_names == ("cat", "dog", "zebra")
    assert [graph.label.tolist() for graph in dataset] == [[1, 0], [0, 2]]
    assert dataset[1].x.tolist() == [[2.0] * 4] * 2
    assert dataset[0].edge_attr.shape == (4, 1)
    assert dataset[0].pos.tolist() == [[4.5, 4.5], [12.5, 12.5]]


def test_nothing_to_read_is_named(tmp_path):
    with pytest.raises(MissingDataError):
        VideoGraphDataset(tmp_path / "none")
