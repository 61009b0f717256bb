"""Miniature files of every layout, written by hand."""

import json
import pickle

import numpy as np

CUP, HAND = [10, 10, 20, 20], [12, 30, 40, 60]
EMPTY = [0, 0, 0, 0]


def write_cad120(folder, subjects=("Ann", "Ben")):
    """One video per person, of 6 frames: a hand and a cup, which is not annotated in frame 2."""
    folder.mkdir(parents=True, exist_ok=True)
    videos, arrays, clips, sentences = {}, {}, [], []
    for number, subject in enumerate(subjects):
        name = f"v{number}"
        videos[name] = {
            "subject": subject,
            "activity": "drinking",
            "frames": 6,
            "objects": ["hand_1", "cup_1"],
            "labels": ["hand", "cup"],
            "relation_pairs": [["hand_1", "cup_1"]],
            "attribute_objects": ["cup_1"],
        }
        boxes = np.array([[HAND, CUP]] * 6, dtype=np.int16)
        boxes[:, :, [0, 2]] += 3 * np.arange(6, dtype=np.int16)[:, None, None]
        boxes[2, 1] = EMPTY
        arrays[f"{name}__boxes"] = boxes
        arrays[f"{name}__relations"] = np.array([[1, 1, 0, 0, -1, 1]], dtype=np.int8)
        arrays[f"{name}__attributes"] = np.array([[0, 0, 1, 1, 1, -1]], dtype=np.int8)
        place = {"video": name, "subject": subject, "activity": "drinking"}
        clips.append({**place, "first_frame": 1, "last_frame": 3, "action": "pick"})
        clips.append({**place, "first_frame": 4, "last_frame": 6, "action": "drink"})
        sentences.append({**place, "first_frame": 4, "last_frame": 6, "caption": "man drink from cup"})
    content = {
        "relations": ["holding", "not_holding"],
        "videos": videos,
        "captioned_segments": sentences,
        "action_clips": clips,
    }
    (folder / "cad120.json").write_text(json.dumps(content), encoding="utf-8")
    np.savez(folder / "tracks.npz", **arrays)
    return folder


JAAD_ROWS = np.array(
    # frame, track, x1, y1, x2, y2, walking, crossing, looking
    [
        [0, 0, 100, 200, 120, 260, 1, 0, 0],
        [0, 1, 300, 200, 320, 250, -1, -1, -1],
        [1, 0, 110, 200, 130, 260, 1, 0, 1],
        [2, 0, 120, 200, 140, 260, 1, 1, 1],
        [3, 0, 130, 200, 150, 260, 0, 1, -1],
    ],
    dtype=np.int16,
)


def write_jaad_packed(folder):
    """One training video of 4 frames, one validation video without a box."""
    folder.mkdir(parents=True, exist_ok=True)
    base = {"size": 4, "width": 1920, "height": 1080, "weather": None}
    content = {
        "video_0001": {
            **base,
            "split": "train",
            "tracks": [{"label": "pedestrian", "id": "0_1_1b"}, {"label": "ped", "id": "0_1_2"}],
            "vehicle": [["stopped", 3], ["moving_slow", 1]],
            "pedestrians": {"0_1_1b": {"age": "adult"}},
        },
        "video_0002": {**base, "split": "val", "tracks": [], "vehicle": [], "pedestrians": {}},
    }
    (folder / "jaad.json").write_text(json.dumps(content), encoding="utf-8")
    np.savez(folder / "tracks.npz", video_0001=JAAD_ROWS, video_0002=np.zeros((0, 9), dtype=np.int16))
    return folder


def jaad_box(frame, corners, values, outside=0):
    x1, y1, x2, y2 = corners
    attributes = "".join(f'<attribute name="{name}">{value}</attribute>' for name, value in values.items())
    return (
        f'<box frame="{frame}" keyframe="1" occluded="0" outside="{outside}" xtl="{x1}.0" ytl="{y1}.0" xbr="{x2}.0" '
        f'ybr="{y2}.0">{attributes}</box>'
    )


def jaad_xml():
    """The boxes of the packed video in the layout of the official files."""
    actions, crossing, looking = (
        ("standing", "walking"),
        ("not-crossing", "crossing"),
        ("not-looking", "looking"),
    )
    tracks = []
    for track, (label, name) in enumerate((("pedestrian", "0_1_1b"), ("ped", "0_1_2"))):
        boxes = []
        for row in JAAD_ROWS[JAAD_ROWS[:, 1] == track].tolist():
            values = {"id": name}
            if label == "pedestrian":
                values |= {"action": actions[row[6]], "cross": crossing[row[7]], "nod": "__undefined__"}
                values |= {"look": looking[row[8]] if row[8] >= 0 else "__undefined__"}
            boxes.append(jaad_box(row[0], row[2:6], values))
        boxes.append(jaad_box(3, (0, 0, 5, 5), {"id": name}, outside=1))
        tracks.append(f'<track label="{label}">{"".join(boxes)}</track>')
    meta = (
        "<meta><task><name>video_0001</name><size>4</size><original_size><width>1920</width><height>1080</height>"
        "</original_size></task></meta>"
    )
    return f"<annotations><version>1.1</version>{meta}{''.join(tracks)}</annotations>"


def write_jaad_official(folder):
    (folder / "annotations").mkdir(parents=True)
    (folder / "annotations" / "video_0001.xml").write_text(jaad_xml(), encoding="utf-8")
    lists = folder / "split_ids" / "default"
    lists.mkdir(parents=True)
    for split, names in (("train", "video_0001\n"), ("val", "video_0002\n"), ("test", "")):
        (lists / f"{split}.txt").write_text(names, encoding="utf-8")
    return folder


def vidvrd_video():
    """A dog that chases a frisbee in frames 0 and 1; in frame 1 the frisbee has no box."""
    dog, frisbee = (
        {"xmin": 5, "ymin": 5, "xmax": 14, "ymax": 14},
        {"xmin": 30, "ymin": 5, "xmax": 34, "ymax": 9},
    )
    return {
        "video_id": "ILSVRC2015_train_00010001",
        "frame_count": 3,
        "fps": 25,
        "width": 64,
        "height": 48,
        "subject/objects": [{"tid": 4, "category": "dog"}, {"tid": 7, "category": "frisbee"}],
        "trajectories": [
            [{"tid": 4, "bbox": dog, "generated": 0}, {"tid": 7, "bbox": frisbee, "generated": 1}],
            [{"tid": 4, "bbox": dog, "generated": 1}],
            [{"tid": 7, "bbox": frisbee, "generated": 1}, {"tid": 4, "bbox": dog, "generated": 1}],
        ],
        "relation_instances": [
            {"subject_tid": 4, "object_tid": 7, "predicate": "chase", "begin_fid": 0, "end_fid": 2},
            {"subject_tid": 7, "object_tid": 4, "predicate": "away", "begin_fid": 2, "end_fid": 3},
        ],
    }


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def action_genome_frames():
    """Two frames: in the first a person sits on a chair and holds a cup that can't be seen; the second has no person."""
    key = "001YG.mp4/{:06}.png".format
    chair = {
        "class": "chair",
        "bbox": (50.0, 100.0, 40.0, 60.0),
        "attention_relationship": ["not_looking_at"],
        "spatial_relationship": ["beneath", "behind"],
        "contacting_relationship": ["sitting_on"],
        "metadata": {"set": "train", "tag": "001YG.mp4/chair/000089"},
        "visible": True,
    }
    hidden = {
        "class": "cup/glass/bottle",
        "bbox": None,
        "attention_relationship": None,
        "spatial_relationship": None,
        "contacting_relationship": None,
        "metadata": {"set": "train", "tag": "001YG.mp4/cup/000089"},
        "visible": False,
    }
    objects = {key(89): [chair, hidden], key(120): [dict(chair)]}
    persons = {
        key(89): {
            "bbox": np.array([[1, 2, 9, 9], [20, 30, 100, 200]], dtype=np.float32),
            "bbox_score": np.array([0.3, 0.9], dtype=np.float32),
            "bbox_size": (480, 270),
            "bbox_mode": "xyxy",
        },
        key(120): {
            "bbox": np.zeros((0, 4), dtype=np.float32),
            "bbox_score": np.zeros(0, dtype=np.float32),
            "bbox_size": (480, 270),
            "bbox_mode": "xyxy",
        },
    }
    return objects, persons


def write_action_genome(folder, protocol=pickle.DEFAULT_PROTOCOL):
    folder.mkdir(parents=True, exist_ok=True)
    objects, persons = action_genome_frames()
    (folder / "object_bbox_and_relationship.pkl").write_bytes(pickle.dumps(objects, protocol))
    (folder / "person_bbox.pkl").write_bytes(pickle.dumps(persons, protocol))
    return folder
