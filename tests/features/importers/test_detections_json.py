import json

import numpy as np
import pytest
import torch

from stgraph.errors import DataError, MissingDataError
from stgraph.features import ExtractorRecord, FeatureStore, FeatureStoreWriter
from stgraph.features.importers import read_detections_folder

FRAMES = {
    "b.c": [
        {
            "frame": 2,
            "boxes": [[-3.0, 1, 30, 40], [5, 5, 900, 50]],
            "scores": [0.9, 0.4],
            "labels": ["dog", "cat"],
        },
        {"frame": 5, "boxes": [], "scores": [], "labels": []},
        {"frame": 9, "boxes": [[0, 0, 10, 10]], "scores": [0.5], "labels": ["cat"]},
    ],
    "a": [{"frame": 0, "boxes": [], "scores": [], "labels": []}],
    "z": [{"frame": 7, "boxes": [[1, 1, 2, 2]], "scores": [1], "labels": ["apple"]}],
}


def features(video):
    boxes = sum(len(frame["boxes"]) for frame in FRAMES[video])
    draw = np.random.default_rng(len(video) + boxes)
    return {
        "frame_features": draw.normal(size=(len(FRAMES[video]), 6)).astype(np.float16),
        "object_features": draw.normal(size=(boxes, 4)).astype(np.float16),
    }


@pytest.fixture
def folder(tmp_path):
    for video, frames in FRAMES.items():
        content = {"video": video, "width": 64, "height": 48, "num_frames": 12, "frames": frames}
        (tmp_path / f"{video}.json").write_text(json.dumps(content))
        np.savez(tmp_path / f"{video}.npz", **features(video))
    return tmp_path


def change(folder, video, **values):
    path = folder / f"{video}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_values_come_out_as_they_stand_in_the_files(folder):
    videos, names = read_detections_folder(folder)
    assert names == ("apple", "cat", "dog")
    found = {video.id: video for video in videos}
    assert list(found) == ["a", "b.c", "z"]
    video, expected = found["b.c"], features("b.c")
    assert (video.size, video.file_frames, video.num_frames, video.motion) == ((48, 64), 12, 3, None)
    assert video.fps != video.fps
    assert video.frame_time.isnan().all()
    assert video.frame_index.tolist() == [2, 5, 9]
    assert torch.equal(video.appearance, torch.from_numpy(expected["frame_features"]).float())
    detections = video.detections
    assert torch.equal(detections.features, torch.from_numpy(expected["object_features"]).float())
    assert detections.boxes.tolist() == [[-3, 1, 30, 40], [5, 5, 900, 50], [0, 0, 10, 10]]
    assert detections.frame.tolist() == [0, 0, 2]
    assert detections.labels.tolist() == [2, 1, 1]
    assert detections.scores.tolist() == pytest.approx([0.9, 0.4, 0.5])
    assert detections.frame_index.tolist() == [2, 5, 9]
    assert len(found["a"].detections) == 0


def test_known_rate_gives_times(folder):
    change(folder, "z", fps=14)
    video = list(read_detections_folder(folder)[0])[-1]
    assert (video.fps, video.frame_time.tolist()) == (14, [0.5])


def test_videos_go_into_a_store(folder, tmp_path):
    videos, names = read_detections_folder(folder)
    records = {stream: ExtractorRecord("theirs", "unknown", {}) for stream in ("appearance", "object")}
    with FeatureStoreWriter(tmp_path / "store.h5", extractors=records, label_names=names) as writer:
        for video in videos:
            writer.add(video)
    store = FeatureStore(tmp_path / "store.h5")
    assert store.ids == ("a", "b.c", "z")
    assert store.widths == {"appearance": 6, "object": 4}
    assert store.label_names[int(store["z"].detections.labels[0])] == "apple"


def box(*corners):
    return [{"frame": 7, "boxes": [list(corners)], "scores": [1], "labels": ["x"]}]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"frames": box(5, 5, 5, 9)}, r"z\.json: 'boxes' must have x1 < x2"),
        ({"frames": box(5, 5, 9)}, r"z\.json: "),
        ({"frames": box(70, 5, 99, 9)}, r"z\.json: 'boxes' must overlap the image"),
        ({"frames": box(1, 1, 2, float("nan"))}, r"z\.json, line 1: NaN is not a number in JSON"),
        ({"frames": box(1, 1, 2, "x")}, r"z\.json: "),
        (
            {"frames": [{**box(1, 1, 2, 2)[0], "frame": 12}]},
            r"z\.json: frame 12 is not in a file of 12 frames",
        ),
        (
            {"frames": [{**box(1, 1, 2, 2)[0], "scores": []}]},
            r"z\.json: entry 0 of 'frames' must have .* equally long",
        ),
        ({"frames": ["x"]}, r"z\.json: entry 0 of 'frames'"),
        (
            {"frames": []},
            r"z\.npz: 'frame_features' must be \[0, F\] to match the frames and boxes of z.json, got \[1, 6\]",
        ),
        ({"width": "wide"}, r"z\.json: "),
    ],
)
def test_boxes_that_cannot_be_right_name_the_file(folder, values, words):
    change(folder, "z", **values)
    with pytest.raises(DataError, match=words):
        list(read_detections_folder(folder)[0])


def test_rows_that_do_not_match_the_boxes(folder):
    np.savez(folder / "z.npz", frame_features=np.ones((1, 6)), object_features=np.ones((2, 4)))
    with pytest.raises(
        DataError, match=r"z\.npz: 'object_features' must be \[1, F\] .* got \[2, 4\]; extract it again"
    ):
        list(read_detections_folder(folder)[0])


def test_frames_out_of_order(folder):
    change(folder, "b.c", frames=FRAMES["b.c"][::-1])
    with pytest.raises(DataError, match=r"b\.c\.json: .*'frame_index' must increase"):
        list(read_detections_folder(folder)[0])


def test_files_that_cannot_be_read(folder):
    (folder / "z.npz").write_bytes((folder / "z.npz").read_bytes()[:50])
    with pytest.raises(DataError, match=r"z\.npz is damaged or not a .npz file"):
        list(read_detections_folder(folder)[0])
    np.savez(folder / "z.npz", frame_features=np.ones((1, 6)))
    with pytest.raises(DataError, match=r"z\.npz has no array 'object_features', only frame_features"):
        list(read_detections_folder(folder)[0])
    np.savez(folder / "z.npz", frame_features=np.array([{}]), object_features=np.ones((1, 4)))
    with pytest.raises(DataError, match=r"z\.npz: 'frame_features' holds Python objects"):
        list(read_detections_folder(folder)[0])
    (folder / "z.npz").unlink()
    with pytest.raises(MissingDataError, match=r"No features at .*z\.npz"):
        list(read_detections_folder(folder)[0])
    (folder / "z.json").write_text("{")
    with pytest.raises(DataError, match=r"z\.json is not valid JSON"):
        read_detections_folder(folder)
    (folder / "z.json").write_text('{"width": 3}')
    with pytest.raises(DataError, match=r"z\.json lacks frames, height, num_frames"):
        read_detections_folder(folder)


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_folder_without_detections(tmp_path, name):
    with pytest.raises(MissingDataError, match="No ID.json files"):
        read_detections_folder(tmp_path / name)


@pytest.mark.parametrize("rate", [-25.0, "-inf", "inf"])
def test_a_frame_rate_that_no_video_has_is_refused(folder, rate):
    change(folder, "a", fps=rate)
    with pytest.raises(DataError, match="a.json: Video 'a': 'fps' must be positive, or NaN if unknown"):
        list(read_detections_folder(folder)[0])


def test_an_archive_whose_names_are_not_unicode_is_refused(folder):
    path = folder / "a.npz"
    # The flag of UTF-8 names is set in the central directory, and a byte of a name that no UTF-8 has.
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\1\2")
    content[place + 9] |= 0x08
    content[place + 46] = 0xB9
    path.write_bytes(content)
    with pytest.raises(DataError, match="a.npz is damaged or not a .npz file"):
        list(read_detections_folder(folder)[0])
