import pytest
import torch

from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.features import Detections

SIZE = (20, 40)


def test_reads_the_files_of_a_folder(tmp_path):
    (tmp_path / "cat_1.txt").write_text("0 0.5 0.5 0.5 0.5\n2 0.5 0.5 0.5 0.5 0.75\n")
    (tmp_path / "cat_12.txt").write_text("1 0.5 0.5 1 1 0.25 7\n1 0.5 0.5 1 1 1\n")
    found = Detections.from_yolo_text(tmp_path, SIZE, sampled=[0, 5, 11])
    assert found.boxes.tolist() == [[10, 5, 30, 15]] * 2 + [[0, 0, 40, 20]] * 2
    assert found.scores.tolist() == [1, 0.75, 0.25, 1]
    assert found.labels.tolist() == [0, 2, 1, 1]
    assert found.track.tolist() == [-1, -1, 7, -1]
    assert found.frame.tolist() == [0, 0, 2, 2]


def test_takes_a_sixth_column_of_whole_numbers_for_tracks(tmp_path):
    (tmp_path / "cat_1.txt").write_text("0 0.5 0.5 0.5 0.5 1\n2 0.5 0.5 0.5 0.5 2\n")
    assert Detections.from_yolo_text(tmp_path, SIZE).track.tolist() == [1, 2]


def test_reads_one_file_and_one_of_several_videos(tmp_path):
    (tmp_path / "cat_1.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (tmp_path / "dog_1.txt").write_text("1 0.5 0.5 0.5 0.5\n")
    assert len(Detections.from_yolo_text(tmp_path / "cat_1.txt", SIZE)) == 1
    assert torch.equal(Detections.from_yolo_text(tmp_path, SIZE, name="dog").labels, torch.tensor([1]))
    with pytest.raises(DataError, match="files of 2 videos.*choose one with 'name'"):
        Detections.from_yolo_text(tmp_path, SIZE)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.1 0.1 0.2 0.2 0.3 0.3 0.4 0.4", "line 1 must have 5 to 7 columns.*segmentation.*'segments'"),
        ("cat 0.5 0.5 0.5 0.5", "line 1 must be numbers"),
        ("0 20 10 5 5", "must contain fractions of the image"),
        ("0 0.5 0.5 0 0.5", "width and height must be above 0"),
        ("0 0.5 0.5 0.5 0.5 0.5 0.5", "track must be an integer, got '0.5'"),
    ],
)
def test_names_the_wrong_line(tmp_path, line, message):
    (tmp_path / "cat_1.txt").write_text(line)
    with pytest.raises(DataError, match=message):
        Detections.from_yolo_text(tmp_path, SIZE)


def test_names_what_is_missing(tmp_path):
    with pytest.raises(MissingDataError, match="No files such as NAME_12.txt"):
        Detections.from_yolo_text(tmp_path, SIZE)
    with pytest.raises(MissingDataError, match="No YOLO text at"):
        Detections.from_yolo_text(tmp_path / "none", SIZE)


def test_reads_poses(tmp_path):
    (tmp_path / "cat_1.txt").write_text("0 0.5 0.5 0.5 0.5 0.25 0.5 0.9 0.75 0.5 0.1 0.625 4\n")
    (tmp_path / "cat_2.txt").write_text("0 0.5 0.5 0.5 0.5 0 0 0.5 1 1 1 0.5 4\n")
    found = Detections.from_yolo_text(tmp_path, SIZE, keypoints=(2, 3))
    assert found.boxes.tolist() == [[10, 5, 30, 15]] * 2
    expected = torch.tensor([[[10, 10, 0.9], [30, 10, 0.1]], [[0, 0, 0.5], [40, 20, 1]]])
    assert torch.equal(found.keypoints, expected)
    assert (found.scores.tolist(), found.track.tolist()) == ([0.625, 0.5], [4, 4])


def test_keypoints_without_confidence_get_1(tmp_path):
    (tmp_path / "cat_1.txt").write_text("0 0.5 0.5 0.5 0.5 0.25 0.5 0.75 0.5\n")
    found = Detections.from_yolo_text(tmp_path, SIZE, keypoints=(2, 2))
    assert found.keypoints.tolist() == [[[10, 10, 1], [30, 10, 1]]]


@pytest.mark.parametrize(
    ("end", "extra", "score", "track"),
    [
        ("", None, 1, -1),
        (" 0.5", None, 0.5, -1),
        (" 3", None, 1, 3),
        (" 0.5 3", ("conf", "track"), 0.5, 3),
        ("", (), 1, -1),
    ],
)
def test_reads_polygons_with_the_columns_after_them(tmp_path, end, extra, score, track):
    (tmp_path / "cat_1.txt").write_text(f"2 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75{end}\n")
    found = Detections.from_yolo_text(tmp_path, SIZE, segments=True, masks=True, extra=extra)
    assert found.boxes.tolist() == [[10, 5, 30, 15]]
    inside = torch.zeros(1, *SIZE, dtype=torch.bool)
    inside[:, 5:15, 10:30] = True
    assert torch.equal(found.masks, inside)
    assert (found.scores.tolist(), found.track.tolist()) == ([score], [track])


def test_polygons_that_may_end_with_confidence_and_track_are_refused(tmp_path):
    (tmp_path / "cat_1.txt").write_text("2 0.25 0.25 0.75 0.25 0.75 0.75 0.5 1\n")
    with pytest.raises(DataError, match=r"pass extra=\('conf', 'track'\), or extra=\(\)"):
        Detections.from_yolo_text(tmp_path, SIZE, segments=True)
    assert Detections.from_yolo_text(
        tmp_path, SIZE, segments=True, extra=("conf", "track")
    ).track.tolist() == [1]
    assert Detections.from_yolo_text(tmp_path, SIZE, segments=True, extra=()).boxes.tolist() == [
        [10, 5, 30, 20]
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"extra": ("track", "conf")}, "'extra' must be one of"),
        ({"keypoints": (17, 4)}, "'kpt_shape'"),
        ({"masks": True}, "'masks' must be false without 'segments'"),
    ],
)
def test_names_options_that_do_not_fit(tmp_path, options, message):
    (tmp_path / "cat_1.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    with pytest.raises(OptionError, match=message):
        Detections.from_yolo_text(tmp_path, SIZE, **options)


def test_all_boxes_have_keypoints_or_none(tmp_path):
    (tmp_path / "cat_1.txt").write_text("0 0.5 0.5 0.5 0.5 0.25 0.5 0.9\n0 0.5 0.5 0.5 0.5\n")
    with pytest.raises(DataError, match="line 2 must have 8 to 10 columns"):
        Detections.from_yolo_text(tmp_path, SIZE, keypoints=(1, 3))
