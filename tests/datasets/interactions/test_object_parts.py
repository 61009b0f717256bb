"""Generated videos with parts of their object features, and tracks that are linked by class and appearance."""

import pickle

import pytest
import torch

from stgraph import Detections
from stgraph.datasets import open_dataset
from stgraph.datasets.interactions.object_parts import OBJECT_PARTS, ObjectPartsStore, linked_tracks
from stgraph.errors import OptionError


def boxes(frames, labels):
    return Detections.from_raw(
        boxes=torch.tensor([[0.0, 0, 1, 1]] * len(frames)).reshape(-1, 4),
        frame_numbers=frames,
        labels=labels,
        size=(9, 9),
        sampled=range(3),
    )


def test_tracks_follow_the_appearance_within_a_class():
    found = boxes([0, 0, 1, 1, 2], [3, 3, 3, 3, 3])
    looks = torch.tensor([[0.0], [1.0], [0.9], [0.1], [0.8]])
    assert linked_tracks(found, looks).tolist() == [0, 1, 1, 0, 1]


def test_a_box_of_another_class_begins_a_track_and_a_lost_one_is_found_again():
    found = boxes([0, 1, 2], [3, 4, 3])
    assert linked_tracks(found, torch.zeros(3, 1)).tolist() == [0, 1, 0]
    assert linked_tracks(boxes([], []), torch.zeros(0, 1)).tolist() == []


def test_only_the_parts_that_are_asked_for_are_read():
    whole = open_dataset("interactions", size="tiny")
    some = open_dataset("interactions", size="tiny", objects=["geometry", "appearance"])
    assert some.name == "interactions-tiny-appearance-geometry-seed0"
    assert some.store.widths == {**whole.store.widths, "object": 61 + 29}
    name = whole.store.ids[0]
    video, other = whole.store[name], pickle.loads(pickle.dumps(some.store))[name]
    expected = [video.detections.features[:, OBJECT_PARTS[part]] for part in ("appearance", "geometry")]
    torch.testing.assert_close(other.detections.features, torch.cat(expected, 1))
    assert torch.equal(other.appearance, video.appearance)
    for frame in range(other.num_frames):
        here = other.detections.track[other.detections.frame == frame]
        assert len(here.unique()) == len(here)
    for track in other.detections.track.unique():
        assert len(other.detections.labels[other.detections.track == track].unique()) == 1
    assert some.store.read(name, ["appearance"]).detections is None


def test_parts_cover_the_features_and_other_names_are_refused():
    columns = sorted(column for part in OBJECT_PARTS.values() for column in range(part.start, part.stop))
    assert columns == list(range(open_dataset("interactions", size="tiny").store.widths["object"]))
    with pytest.raises(
        OptionError, match="'objects' must be some of appearance, motion, geometry, got \\['speed'\\]"
    ):
        ObjectPartsStore("store.h5", ["speed"])
