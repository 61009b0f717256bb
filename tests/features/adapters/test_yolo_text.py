import pytest
import torch

from stgraph.errors import DataError, MissingDataError
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
        ("0 0.1 0.1 0.2 0.2 0.3 0.3 0.4 0.4", "line 1 must have 5 to 7 columns.*segmentation"),
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
