"""Readers of public layouts, on miniature files; tests/real reads the real ones."""

import json
import pickle
import shutil

import numpy as np
import pytest
import torch

from stgraph.datasets import VideoGraphDataset
from stgraph.datasets.tracks import CAD120, JAAD, ActionGenome, Segment, VidOR, VidVRD
from stgraph.errors import DataError, MissingDataError, OptionError, UnknownVideoError
from tests.datasets.tracks import layouts


@pytest.fixture
def cad(tmp_path):
    return layouts.write_cad120(tmp_path / "cad120")


def test_cad120(cad):
    data = CAD120(cad, fps=10)
    video = data["v1"]
    assert (data.ids, data.label_names, data.relation_names) == (
        ("v0", "v1"),
        ("cup", "hand"),
        ("holding", "not_holding"),
    )
    assert video.group == "Ben"
    assert video.segments == (
        Segment("action", "pick", 0, 3),
        Segment("action", "drink", 3, 6),
        Segment("caption", "man drink from cup", 3, 6),
    )
    boxes = video.detections
    assert boxes.frame.tolist() == [0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 5]
    assert boxes.labels.tolist() == [1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0]
    assert boxes.boxes[3].tolist() == [13, 10, 23, 20]
    assert boxes.time[5].item() == pytest.approx(0.5)
    assert video.relation_index.tolist() == [[0, 2, 5, 9], [1, 3, 6, 10]]
    assert video.relation.tolist() == [1, 1, 0, 1]  # frame 2 has no cup, frame 4 is unknown
    assert video.states["open"].tolist() == [-1, 0, -1, 0, -1, -1, 1, -1, 1, -1, -1]
    assert video.dropped == {"empty boxes": 1, "relations of a thing without a box": 1}


def test_an_empty_box_is_never_a_position(cad):
    boxes = torch.cat([video.detections.boxes for video in CAD120(cad)])
    assert bool((boxes[:, 2:] > boxes[:, :2]).all())


def test_one_person_is_held_out(cad):
    folds = CAD120(cad).leave_one_out()
    assert [(fold.group, fold.train, fold.test) for fold in folds] == [
        ("Ann", ("v1",), ("v0",)),
        ("Ben", ("v0",), ("v1",)),
    ]


def test_another_folder_is_numbered_like_the_training_one(cad):
    data = CAD120(cad, label_names=("hand", "bowl"))
    assert data["v0"].detections.labels[:2].tolist() == [0, -1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.pop("relations"), r"'relations' is not as in this layout \(field required"),
        (lambda c: c["videos"]["v0"].update(frames="6"), r"'videos.v0.frames' .* valid integer, got '6'"),
        (lambda c: c["videos"]["v0"].update(frames=7), r"'v0__boxes' must be \[7, 2, 4\]"),
        (
            lambda c: c["videos"]["v0"].update(labels=["hand"]),
            "must have one label per object, got 2 objects and 1 labels",
        ),
        (
            lambda c: c["videos"]["v0"].update(relation_pairs=[["hand_1", "pot_1"]]),
            "'pot_1', which is not among",
        ),
        (lambda c: c["action_clips"][0].update(video="v9"), "of the video 'v9', which is not in 'videos'"),
        (
            lambda c: c["action_clips"][0].update(first_frame=0),
            "must begin at frame 0 or later.* got -1 to 3",
        ),
        (
            lambda c: c.update(relations=["holding"]),
            "relations of 'v0' must be whole numbers from -1 to 0, got 1",
        ),
        (
            lambda c: c["action_clips"][0].update(last_frame=7),
            "the action 'pick' ends in frame 7 of 6; correct",
        ),
    ],
)
def test_a_fault_of_cad120_is_named(cad, change, said):
    path = cad / "cad120.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=said):
        CAD120(cad)["v0"]


def test_both_layouts_of_jaad_hold_the_same(tmp_path):
    packed = JAAD(layouts.write_jaad_packed(tmp_path / "packed"))
    official = JAAD(layouts.write_jaad_official(tmp_path / "official"))
    assert packed.split("train") == official.split("train") == official.ids == ("video_0001",)
    assert packed.split("val") == ("video_0002",)
    a, b = packed["video_0001"], official["video_0001"]
    for name in ("boxes", "frame", "track", "labels", "time"):
        assert torch.equal(getattr(a.detections, name), getattr(b.detections, name)), name
    assert a.states.keys() == b.states.keys()
    assert all(torch.equal(a.states[name], b.states[name]) for name in a.states)
    assert a.states["crossing"].tolist() == [0, -1, 0, 1, 1]
    assert a.detections.labels.tolist() == [0, 1, 0, 0, 0]
    assert a.tracks[0] == {"age": "adult", "name": "0_1_1b"}
    assert a.segments_of("vehicle") == (
        Segment("vehicle", "stopped", 0, 3),
        Segment("vehicle", "moving_slow", 3, 4),
    )
    assert len(packed["video_0002"].detections) == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<size>4</size>", "<size>4.5</size>", "meta/task/size must be a whole number from 1 on, got '4.5'"),
        ("<size>4</size>", "<size>2</size>", "has 2 frames, but boxes in frames 0 to 3"),
        ("<size>4</size>", "<size>9000000</size>", "claims 9000000 frames, above the limit of 2000000"),
        (
            'xtl="100.0"',
            'xtl="left"',
            r"track 0 \('0_1_1b'\), 'xtl' must be a number up to 1e\+09, got 'left'",
        ),
        ('label="ped"', 'label="dog"', "must have one of the labels .* got 'dog'"),
        ("</annotations>", "", "is not XML"),
        ("<annotations>", '<!DOCTYPE a [<!ENTITY b "c">]><annotations>', "declares entities"),
    ],
)
def test_a_fault_of_jaads_xml_is_named(tmp_path, old, new, said):
    folder = layouts.write_jaad_official(tmp_path / "jaad")
    path = folder / "annotations" / "video_0001.xml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(DataError, match=said):
        JAAD(folder)["video_0001"]


@pytest.mark.parametrize(
    ("write", "reader", "name", "change", "said"),
    [
        (layouts.write_cad120, CAD120, "v0__boxes", lambda a: a.astype("U3"), "must hold numbers, got <U3"),
        (
            layouts.write_cad120,
            CAD120,
            "v0__boxes",
            lambda a: a * np.nan,
            r"numbers up to 1e\+09, got nan; correct",
        ),
        (
            layouts.write_cad120,
            CAD120,
            "v0__attributes",
            lambda a: a + 2,
            "whole numbers from -1 to 1, got 2",
        ),
        (
            layouts.write_cad120,
            CAD120,
            "v0__relations",
            lambda a: a + 0.5,
            "whole numbers from -1 to 1, got 1.5",
        ),
        (
            layouts.write_jaad_packed,
            JAAD,
            "video_0001",
            lambda a: a[:, :5],
            r"must be \[any, 9\], got \[5, 5\]",
        ),
        (layouts.write_jaad_packed, JAAD, "video_0001", lambda a: a[0, 0], r"must be \[any, 9\], got \[\]"),
        (
            layouts.write_jaad_packed,
            JAAD,
            "video_0001",
            lambda a: a * 4,
            "frames must be .* from 0 to 3, got 4",
        ),
        (
            layouts.write_jaad_packed,
            JAAD,
            "video_0001",
            lambda a: a + a[0] * 5,
            "states must be .* to 1, got 6",
        ),
    ],
)
def test_a_wrong_array_is_named(tmp_path, write, reader, name, change, said):
    folder = write(tmp_path / "data")
    arrays = dict(np.load(folder / "tracks.npz"))
    arrays[name] = change(arrays[name])
    np.savez(folder / "tracks.npz", **arrays)
    data = reader(folder)
    with pytest.raises(DataError, match=said):
        data[data.ids[0]]


def test_a_wrong_list_of_jaad_is_named(tmp_path):
    folder = layouts.write_jaad_official(tmp_path / "jaad")
    with pytest.raises(OptionError, match=r"'split_ids' must be one of \['default'\], got 'all'"):
        JAAD(folder, split_ids="all")
    (folder / "split_ids" / "default" / "val.txt").write_text("video_0001\n")
    with pytest.raises(DataError, match="'video_0001' is in the split 'train', too"):
        JAAD(folder)


@pytest.mark.parametrize(
    ("reader", "place", "split"),
    [(VidVRD, "train/a.json", "train"), (VidOR, "validation/0001/a.json", "val")],
)
def test_vidvrd_and_vidor(tmp_path, reader, place, split):
    layouts.write_json(tmp_path / place, layouts.vidvrd_video())
    data = reader(tmp_path)
    assert (data.ids, data.split(split)) == (("a",), ("a",))
    assert (data.label_names, data.relation_names) == (("dog", "frisbee"), ("away", "chase"))
    video = data["a"]
    assert video.detections.boxes[0].tolist() == [5, 5, 15, 15]  # the last pixel belongs to the box
    assert video.detections.frame.tolist() == [0, 0, 1, 2, 2]
    assert video.detections.track.tolist() == [4, 7, 4, 7, 4]
    assert video.detections.labels.tolist() == [0, 1, 0, 1, 0]
    assert video.relation_index.tolist() == [[0, 3], [1, 4]]
    assert video.relation.tolist() == [1, 0]
    assert video.dropped == {"relations of a thing without a box": 1}
    assert video.detections.time.tolist() == pytest.approx([0, 0.04, 0.08])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v: v.pop("subject/objects"), "'subject/objects' is not as in this layout"),
        (
            lambda v: v["relation_instances"][0].update(end_fid=9),
            "'chase' must hold within the 3 frames, got 0 to 9",
        ),
        (
            lambda v: v["trajectories"][0][0].update(tid=5),
            "the box of 'tid' 5 is of a thing that is not listed",
        ),
        (lambda v: v["subject/objects"].append({"tid": 4, "category": "cat"}), "a 'tid' comes twice"),
    ],
)
def test_a_fault_of_vidvrd_is_named(tmp_path, change, said):
    content = layouts.vidvrd_video()
    change(content)
    layouts.write_json(tmp_path / "train" / "a.json", content)
    with pytest.raises(DataError, match=said):
        VidVRD(tmp_path)["a"]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_action_genome(tmp_path, protocol):
    data = ActionGenome(layouts.write_action_genome(tmp_path, protocol))
    assert data.label_names == ("person", "chair", "cup/glass/bottle")
    assert data.relation_names == ("not_looking_at", "behind", "beneath", "sitting_on")
    assert data.relation_kinds == ("attention", "spatial", "spatial", "contacting")
    video = data["001YG"]
    assert data.split("train") == ("001YG",)
    assert video.frame_numbers.tolist() == [89, 120]
    assert video.detections.boxes.tolist() == [
        [20, 30, 100, 200],
        [1, 2, 9, 9],
        [50, 100, 90, 160],
        [50, 100, 90, 160],
    ]
    assert video.detections.labels.tolist() == [0, 0, 1, 1]
    assert video.detections.track.tolist() == [0, -1, 1, 1]
    assert video.relation_index.tolist() == [[0] * 4, [2] * 4]
    assert [data.relation_names[number] for number in video.relation] == [
        "not_looking_at",
        "beneath",
        "behind",
        "sitting_on",
    ]
    assert video.dropped == {"objects that are not visible": 1, "relations of a thing without a box": 4}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda o, p: o.pop("001YG.mp4/000120.png"), "is in only one of"),
        (lambda o, p: o.update({"001YG.mp4/000089.png": "chair"}), "must be a list of at most 1000 objects"),
        (lambda o, p: o["001YG.mp4/000089.png"][0].update(bbox=(1, 2, 3)), "must have boxes of four numbers"),
        (lambda o, p: o["001YG.mp4/000089.png"][0].update(contacting_relationship="on"), "must be a list"),
        (lambda o, p: p["001YG.mp4/000089.png"].update(bbox_mode="xywh"), "in the mode xyxy"),
        (lambda o, p: p["001YG.mp4/000089.png"].update(bbox_size=(0, 2)), "must have a 'bbox_size'"),
        (lambda o, p: p["001YG.mp4/000089.png"].update(bbox=np.full((1, 4), np.nan)), "numbers up to 1e"),
        (lambda o, p: o["001YG.mp4/000089.png"][0].update(bbox=()), "must have boxes of four numbers"),
        (
            lambda o, p: o["001YG.mp4/000089.png"][0].update(metadata="train"),
            "must have the split under 'set'",
        ),
    ],
)
def test_a_fault_of_action_genome_is_named(tmp_path, change, said):
    objects, persons = layouts.action_genome_frames()
    change(objects, persons)
    (tmp_path / "object_bbox_and_relationship.pkl").write_bytes(pickle.dumps(objects))
    (tmp_path / "person_bbox.pkl").write_bytes(pickle.dumps(persons))
    with pytest.raises(DataError, match=said):
        ActionGenome(tmp_path)["001YG"]


@pytest.mark.parametrize("reader", [CAD120, JAAD, VidVRD, VidOR, ActionGenome])
def test_a_wrong_folder_is_answered_with_the_layout(tmp_path, reader):
    with pytest.raises(MissingDataError, match="There is no folder at .* give a folder of "):
        reader(tmp_path / "none")
    with pytest.raises((MissingDataError, OptionError), match="a folder of|must be"):
        reader(tmp_path)


def test_arguments_of_a_data_set_are_checked(cad):
    data = CAD120(cad)
    with pytest.raises(UnknownVideoError, match="cad120 has no video 'v7'; it has 2, such as 'v0'"):
        data["v7"]
    with pytest.raises(OptionError, match="cad120 has no official splits; use leave_one_out"):
        data.split("train")
    with pytest.raises(OptionError, match="'fps' must be a positive number or None, got 0"):
        CAD120(cad, fps=0)
    shutil.rmtree(cad)
    layouts.write_cad120(cad, subjects=("Ann",))
    with pytest.raises(DataError, match=r"must be of two groups or more, got \['Ann'\]"):
        CAD120(cad).leave_one_out()


def test_a_track_data_set_is_a_pyg_data_set(cad):
    graphs = VideoGraphDataset(CAD120(cad), num_frames=2)
    assert graphs.label_names == ("cup", "hand")
    assert [graph.video_id for graph in graphs] == ["v0", "v1"]
    assert graphs[0].num_frames == 2
    assert graphs[0].track.tolist() == [0, 1, 0, 1]
