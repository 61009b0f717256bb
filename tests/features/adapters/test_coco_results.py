import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from pycocotools import mask as coco

from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.features.adapters import from_coco_results, read_coco_results, to_coco_results
from stgraph.features.adapters.mask_codes import decode_mask, encode_mask
from tests.features.adapters.samples import SAMPLED, SIZE, assert_same, random_detections

PLAIN = {"image_id": 7, "category_id": 2, "bbox": [1, 2, 5, 9], "score": 0.5}


def test_there_and_back_as_json():
    for seed in range(5):
        video = random_detections(seed, num_boxes=400)
        text = json.dumps(to_coco_results(video))
        back = from_coco_results(json.loads(text), SIZE, sampled=SAMPLED, fps=25.0)["video"]
        assert_same(back, video, but=("features", "features_are_geometry"))
        torch.testing.assert_close(back.features, video.geometry())


def test_numbers_stay_short_and_unknown_tracks_are_left_out():
    video = random_detections(
        num_boxes=2,
        boxes=[[0.1, 2, 10.3, 4.5], [1, 1, 2, 2]],
        scores=[0.9, 1],
        labels=[3, 4],
        track=[-1, 0],
        frame_numbers=[7, 7],
    )
    assert to_coco_results(video) == [
        {"image_id": 7, "category_id": 3, "bbox": [0.1, 2.0, 10.2, 2.5], "score": 0.9},
        {"image_id": 7, "category_id": 4, "bbox": [1.0, 1.0, 1.0, 1.0], "score": 1.0, "track_id": 0},
    ]


def test_many_videos_in_one_file_by_a_mapping(tmp_path):
    videos = {
        "cat": random_detections(0),
        "dog": random_detections(1, num_boxes=9, size=(60, 80), boxes=_small(9)),
    }
    images = {1000 * number + frame: (name, frame) for number, name in enumerate(videos) for frame in SAMPLED}
    ids = {name: [image for image, place in images.items() if place[0] == name] for name in videos}
    entries = [entry for name in videos for entry in to_coco_results(videos[name], ids[name])]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(entries[::-1]))
    images[5] = ("empty", 3)  # a video without results
    sizes = {"cat": SIZE, "dog": (60, 80), "empty": (10, 10)}
    read = read_coco_results(
        path, sizes, images={str(image): place for image, place in images.items()}, fps=25.0
    )
    assert list(read) == ["cat", "dog", "empty"]
    assert (len(read["empty"]), read["empty"].frame_index.tolist()) == (0, [3])
    for name, video in videos.items():
        expected = from_coco_results(to_coco_results(video)[::-1], sizes[name], sampled=SAMPLED, fps=25.0)
        assert_same(read[name], expected["video"])
        assert read[name].scores.sort().values.tolist() == video.scores.sort().values.tolist()


def _small(count):
    corner = torch.rand(count, 2, generator=torch.Generator().manual_seed(3)) * 50
    return torch.cat([corner, corner + 5], 1)


def test_odd_but_readable():
    entries = [
        {**PLAIN, "image_id": "9"},  # a number as a string
        PLAIN,
        {"image_id": 7, "bbox": [0.5, 1, 2, 3], "segmentation": []},  # an annotation: no score, no category
        {**PLAIN, "track_id": 4},
    ]
    video = from_coco_results(entries, SIZE, video="cat")["cat"]
    assert video.frame_index.tolist() == [7, 9]
    assert video.scores.tolist() == [0.5, 1.0, 0.5, 0.5]
    assert video.labels.tolist() == [2, -1, 2, 2]
    assert video.track.tolist() == [-1, -1, 4, -1]
    assert video.boxes[1].tolist() == [0.5, 1, 2.5, 4]
    assert from_coco_results(entries, SIZE, sampled=[8, 9])["video"].frame.tolist() == [1]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("x", r"'results\[1\]' must be a mapping from strings to values, got 'x'"),
        ({"bbox": [1, 2, 3, 4]}, "Entry 1 must have 'image_id' and 'bbox'"),
        ({**PLAIN, "bbox": [1, 2, 3]}, "Entry 1 must contain numbers, four of them in 'bbox'"),
        ({**PLAIN, "bbox": None}, "Entry 1 must contain numbers"),
        ({**PLAIN, "bbox": [1, 2, 0, 4]}, "Entry 1: width and height must be above 0"),
        ({**PLAIN, "bbox": [1, 2, float("nan"), 4]}, "Entry 1: box and score must be finite"),
        ({**PLAIN, "score": float("inf")}, "Entry 1: box and score must be finite"),
        ({**PLAIN, "score": None}, "Entry 1 must contain numbers"),
        ({**PLAIN, "image_id": "cat.jpg"}, "Entry 1 must contain numbers.*cat.jpg"),
        ({**PLAIN, "category_id": 1.5}, "Entry 1 must contain numbers.*'category_id' must be whole"),
        ({**PLAIN, "bbox": [170, 2, 3, 4]}, "Entry 1: the box at .* does not overlap the image of 160 x 120"),
    ],
)
def test_a_broken_entry_is_named(entry, message):
    with pytest.raises((DataError, OptionError), match=message):
        from_coco_results([PLAIN, entry], SIZE)


def test_what_the_mapping_lacks_is_named():
    with pytest.raises(DataError, match="Entry 0: image_id 7 is not in 'images'"):
        from_coco_results([PLAIN], SIZE, images={8: ("cat", 0)})
    with pytest.raises(DataError, match="'size' has no entry for video 'cat'"):
        from_coco_results([PLAIN], {"dog": SIZE}, images={7: ("cat", 0)})
    with pytest.raises(OptionError, match="give one of them"):
        from_coco_results([PLAIN], SIZE, images={7: ("cat", 0)}, sampled=[7])
    with pytest.raises(DataError, match="each of the 4 sampled frames, got 1"):
        to_coco_results(random_detections(), [1])


def test_a_file(tmp_path):
    path = tmp_path / "cat.json"
    path.write_text(json.dumps([PLAIN]))
    assert list(read_coco_results(path, SIZE)) == ["cat"]
    path.write_text(json.dumps([PLAIN, {}]))
    with pytest.raises(DataError, match=r"cat\.json: Entry 1 must have"):
        read_coco_results(path, SIZE)
    path.write_text('{"annotations": []}')
    with pytest.raises(DataError, match=r"cat\.json must be a list of results, got an object"):
        read_coco_results(path, SIZE)
    path.write_text("[")
    with pytest.raises(DataError, match=r"cat\.json is not valid JSON"):
        read_coco_results(path, SIZE)
    with pytest.raises(MissingDataError, match=r"no\.json"):
        read_coco_results(tmp_path / "no.json", SIZE)


def test_keypoints_and_masks_there_and_back_as_json():
    video = random_detections(num_boxes=12)
    video = replace(video, keypoints=torch.rand(12, 17, 3), masks=torch.rand(12, *SIZE) > 0.7)
    entries = json.loads(json.dumps(to_coco_results(video)))
    back = from_coco_results(entries, SIZE, sampled=SAMPLED, fps=25.0, masks=True)["video"]
    assert_same(back, video, but=("features", "features_are_geometry"))
    assert from_coco_results(entries, SIZE)["video"].masks is None


def test_boxes_without_keypoints_get_those_of_confidence_0():
    entries = [PLAIN, {**PLAIN, "keypoints": [1, 2, 0.5, 3, 4, 1]}, {**PLAIN, "keypoints": []}]
    video = from_coco_results(entries, SIZE)["video"]
    assert video.keypoints.tolist() == [[[0, 0, 0]] * 2, [[1, 2, 0.5], [3, 4, 1]], [[0, 0, 0]] * 2]


def test_a_box_is_found_around_keypoints_and_masks():
    pose = {"image_id": 7, "keypoints": [10, 20, 1, 30, 25, 0.1]}
    assert from_coco_results([pose], SIZE)["video"].boxes.tolist() == [[10, 20, 30, 25]]
    polygon = {"image_id": 7, "segmentation": [[10, 20, 30, 20, 30, 25, 10, 25]]}
    found = from_coco_results([polygon], SIZE, masks=True)["video"]
    assert found.boxes.tolist() == [[10, 20, 30, 25]]
    assert int(found.masks.sum()) == 20 * 5
    # Uncompressed run lengths count down the columns: 120 * 10 + 20 pixels outside, then 5 inside.
    runs = {"image_id": 7, "segmentation": {"size": list(SIZE), "counts": [1220, 5, 120 * 160 - 1225]}}
    inside = np.argwhere(from_coco_results([runs], SIZE, masks=True)["video"].masks[0].numpy())
    assert inside.tolist() == [[row, 10] for row in range(20, 25)]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({**PLAIN, "keypoints": [1, 2]}, "Entry 1 must contain numbers.*'keypoints'"),
        ({"image_id": 7, "keypoints": []}, "Entry 1 must contain numbers.*neither 'bbox' nor a keypoint"),
        (
            {"image_id": 7, "segmentation": []},
            "Entry 1: 'segmentation' cannot be decoded.*must be run lengths or polygons",
        ),
        (
            {**PLAIN, "segmentation": {"size": [1, 2], "counts": "a"}},
            "Entry 1: 'segmentation' cannot be decoded.*image of",
        ),
        (
            {**PLAIN, "segmentation": {"size": list(SIZE), "counts": "a"}},
            "Entry 1: 'segmentation' cannot be decoded",
        ),
        (
            {**PLAIN, "segmentation": {"size": list(SIZE), "counts": [5]}},
            "Entry 1: 'segmentation' cannot be decoded",
        ),
        ({**PLAIN, "segmentation": [[1, 2, "a", 4, 5, 6]]}, "Entry 1: 'segmentation' cannot be decoded"),
        (
            {**PLAIN, "segmentation": {"size": list(SIZE), "counts": [10**30]}},
            "Entry 1: 'segmentation' cannot be decoded",
        ),
        (
            {**PLAIN, "segmentation": {"size": list(SIZE), "counts": "o" * 30 + "0"}},
            "Entry 1: 'segmentation' cannot be decoded",
        ),
        ({**PLAIN, "segmentation": [[10**400, 2, 3, 4, 5, 6]]}, "Entry 1: 'segmentation' cannot be decoded"),
    ],
)
def test_a_broken_shape_is_named(entry, message):
    with pytest.raises(DataError, match=message):
        from_coco_results([PLAIN, entry], SIZE, masks=True)


def test_run_lengths_are_those_of_pycocotools():
    draw = np.random.default_rng(0)
    for share in (0.0, 0.01, 0.5, 0.99, 1.0):
        mask = draw.random(SIZE) < share
        mask[30:90, 40:120] = draw.random() < 0.5  # long runs, whose codes have several characters
        code = encode_mask(mask)
        assert np.array_equal(decode_mask(code, SIZE, "here"), mask)
        assert np.array_equal(coco.decode(code) > 0, mask)
