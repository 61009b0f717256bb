"""Clips of annotated videos, and graphs with targets."""

from dataclasses import replace

import pytest
import torch

from stgraph import Detections, VideoGraphBuilder
from stgraph.datasets.tracks import (
    CAD120,
    JAAD,
    AnnotatedVideo,
    MirroredTracks,
    Segment,
    clip_examples,
    relation_examples,
    track_examples,
)
from stgraph.errors import DataError, OptionError, ShapeError
from tests.datasets.tracks import layouts


@pytest.fixture
def cad(tmp_path):
    return CAD120(layouts.write_cad120(tmp_path))


@pytest.fixture
def jaad(tmp_path):
    return JAAD(layouts.write_jaad_packed(tmp_path))


def test_a_clip_keeps_what_belongs_together(cad):
    video = cad["v0"]
    clip = video.clip(1, 6, num_frames=2)  # frames 2 and 4 of the file: positions 1 and 3 of five
    assert clip.frame_numbers.tolist() == [2, 4]
    assert clip.detections.frame.tolist() == [0, 1, 1]
    assert clip.detections.labels.tolist() == [1, 1, 0]
    assert clip.states["open"].tolist() == [-1, -1, 1]
    assert clip.relation_index.shape == (2, 0)
    rows = video.select_frames([0, 3])
    assert rows.relation_index.tolist() == [[0, 2], [1, 3]]
    assert rows.relation.tolist() == [1, 0]


def test_a_mirror_exchanges_left_and_right_of_boxes_and_of_their_geometry(cad):
    mirror = MirroredTracks(cad)
    assert mirror.ids == tuple(f"{video_id}-mirrored" for video_id in cad.ids)
    assert mirror["v0-mirrored"].group == cad["v0"].group
    plain, turned = cad["v0"].detections, mirror["v0-mirrored"].detections
    width = plain.size[1]
    assert turned.boxes[0].tolist() == [
        width - float(plain.boxes[0, 2]),
        float(plain.boxes[0, 1]),
        width - float(plain.boxes[0, 0]),
        float(plain.boxes[0, 3]),
    ]
    expected = plain.features.clone()
    expected[:, 0] = 1 - expected[:, 0]
    torch.testing.assert_close(turned.features, expected)
    again = cad["v0"].mirrored().mirrored().detections
    torch.testing.assert_close(again.boxes, plain.boxes)
    examples = zip(clip_examples(cad, num_frames=2), clip_examples(mirror, num_frames=2), strict=True)
    for (one, label), (other, same) in examples:
        assert label == same
        assert torch.equal(one.track, other.track)
    with pytest.raises(OptionError, match="not mirrored"):
        MirroredTracks(mirror)


def test_own_features_stay_in_a_mirror_and_keypoints_are_refused(cad):
    video = cad["v0"]
    features = torch.rand(len(video.detections), 3)
    own = replace(video.detections, features=features, features_are_geometry=False)
    assert torch.equal(replace(video, detections=own).mirrored().detections.features, features)
    keyed = replace(own, keypoints=torch.rand(len(own), 2, 3))
    with pytest.raises(DataError, match="cannot be mirrored"):
        replace(video, detections=keyed).mirrored()


def test_graphs_of_clips_have_labels_groups_and_names(cad):
    examples = clip_examples(cad, num_frames=2, leave_out=["pick"])
    assert [(graph.video_id, graph.group, label) for graph, label in examples] == [
        ("v0/3-6", "Ann", "drink"),
        ("v1/3-6", "Ben", "drink"),
    ]
    assert examples[0][0].edge_kind.tolist() == [0, 1, 0, 1, 0, 0]  # itself, its next sighting


def test_a_track_is_told_by_its_state_later(jaad):
    now = track_examples(jaad, state="crossing", window=2, num_frames=None)
    assert [(graph.video_id, target) for graph, target in now] == [
        ("video_0001/0-2", {0: "not crossing"}),
        ("video_0001/2-4", {0: "crossing"}),
    ]
    assert now[0][0].track.tolist() == [0, 1, 0]  # bystanders are part of the graph
    later = track_examples(jaad, state="crossing", window=2, horizon=1, stride=1)
    assert [(graph.video_id, target) for graph, target in later] == [
        ("video_0001/0-2", {0: "crossing"}),
        ("video_0001/1-3", {0: "crossing"}),
    ]
    assert track_examples(jaad, state="looking", window=3)[0][1] == {0: "looking"}
    with pytest.raises(DataError, match="has a track with the state 'walking'"):
        track_examples(jaad, state="walking", labels=["ped"])


def test_relations_name_nodes(cad):
    (graph, pairs), _ = relation_examples(cad, num_frames=None)
    assert pairs == {
        (0, 1): ("not_holding",),
        (2, 3): ("not_holding",),
        (5, 6): ("holding",),
        (9, 10): ("not_holding",),
    }
    assert graph.label[[5, 6]].tolist() == [1, 0]
    assert graph.frame[[5, 6]].tolist() == [3, 3]
    only = relation_examples(cad, relations=["holding"], window=3, num_frames=None)
    assert [(graph.video_id, pairs) for graph, pairs in only] == [
        ("v0/3-6", {(0, 1): ("holding",)}),
        ("v1/3-6", {(0, 1): ("holding",)}),
    ]


def test_the_last_window_holds_the_frames_that_are_left(cad):
    found = relation_examples(cad, window=4, num_frames=None, ids=["v0"])
    assert [(graph.video_id, len(pairs)) for graph, pairs in found] == [("v0/0-4", 3), ("v0/4-6", 1)]
    (longer, pairs), *others = relation_examples(cad, window=64, num_frames=8, ids=["v0"])
    assert (longer.video_id, len(pairs), others) == ("v0/0-6", 4, [])


def test_several_relations_of_a_pair_stay_together(cad):
    video = cad["v0"]
    two = AnnotatedVideo(
        "v0",
        video.detections,
        relation_index=torch.tensor([[0, 0], [1, 1]]),
        relation=torch.tensor([1, 0]),
    )
    cad.read = lambda video_id: two
    assert relation_examples(cad, ids=["v0"])[0][1] == {(0, 1): ("not_holding", "holding")}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda d: clip_examples([]), "'dataset' must be a TrackDataset, got an empty list"),
        (
            lambda d: clip_examples(d, num_frames=0),
            "'num_frames' must be a whole number of at least 1, got 0",
        ),
        (lambda d: clip_examples(d, ids="v0"), "'ids' must be a sequence of strings or None, got 'v0'"),
        (lambda d: track_examples(d, state="crossing"), r"'state' must be one of \['open'\] for cad120"),
        (
            lambda d: track_examples(d, state="open", horizon=-1),
            "'horizon' must be a whole number of at least 0",
        ),
        (lambda d: relation_examples(d, relations=["eating"]), "'relations' must be some of .* got 'eating'"),
        (lambda d: clip_examples(d, VideoGraphBuilder(max_objects=1)), "'builder' must keep every box"),
        (lambda d: d["v0"].select_frames([2, 1]), "'positions' must increase"),
        (lambda d: d["v0"].select_frames([9]), r"'positions' must be some of 0..5, got \[9\]"),
    ],
)
def test_wrong_arguments_are_named(cad, call, said):
    with pytest.raises(OptionError, match=said):
        call(cad)


def test_what_is_not_there_is_named(cad):
    with pytest.raises(DataError, match="have no segments of the kind 'gaze'"):
        clip_examples(cad, kind="gaze")
    with pytest.raises(DataError, match="'v0' has no frames from 8 to 9; its frames are 0 to 5"):
        cad["v0"].clip(8, 9)
    with pytest.raises(DataError, match="must begin at frame 0 or later"):
        Segment("action", "drink", 4, 4)


def test_an_annotated_video_is_checked():
    plain = {"boxes": [[0, 0, 2, 2]], "size": (8, 8)}
    boxes = Detections.from_raw(frame_numbers=[3], **plain)
    with pytest.raises(ShapeError, match=r"'states\['open'\]' must be \[N=1\], got \[2\]"):
        AnnotatedVideo("a", boxes, states={"open": torch.zeros(2)})
    with pytest.raises(DataError, match="must hold rows from 0 to 0, got 1"):
        AnnotatedVideo("a", boxes, relation_index=torch.tensor([[0], [1]]), relation=torch.tensor([0]))
    bare = Detections([[0, 0, 2, 2]], [1.0], [[1.0]], [0], 1, (8, 8))
    with pytest.raises(DataError, match="must have 'frame_index'"):
        AnnotatedVideo("a", bare)
