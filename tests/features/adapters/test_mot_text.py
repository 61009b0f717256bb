import pytest
import torch

from stgraph.errors import DataError, MissingDataError
from stgraph.features.adapters import from_mot_text, read_mot_text, to_mot_text
from tests.features.adapters.samples import SAMPLED, SIZE, assert_same, random_detections

ODD = (
    "\ufeff3, 2, 10, 20, 30.5, 40, 0.75, 1, 0.9\r\n"  # a byte order mark, Windows newlines, spaces, a later frame first
    "\r\n"
    "1,1,1,2,3,4,1,3,1\r\n"
    "1,-1,5.5,6,7,8,-1,-1,-1\r\n"  # id, conf and class unknown
    "   \r\n"
    "5,,10,20,30,40\r\n"  # 6 columns, no id
    "5,4.0,10,20,30,40,0.5,7,-1,-1"  # 10 columns: world coordinates, no class; no newline at the end
)


def test_there_and_back():
    for seed in range(5):
        video = random_detections(seed, num_boxes=400)
        back = from_mot_text(to_mot_text(video), SIZE, sampled=SAMPLED, fps=25.0, features=video.features)
        assert_same(back, video)


def test_first_frame_is_one_and_numbers_stay_short():
    video = random_detections(
        num_boxes=1, boxes=[[0.1, 2, 10.3, 4.5]], scores=[0.9], labels=[3], track=[12], frame_numbers=[7]
    )
    assert to_mot_text(video) == "8,12,0.1,2.0,10.2,2.5,0.9,3,-1\n"


def test_positions_are_written_where_numbers_of_the_file_are_unknown():
    import dataclasses

    video = dataclasses.replace(random_detections(), frame_index=None, time=None)
    back = from_mot_text(to_mot_text(video), SIZE, sampled=range(4), features=video.features)
    assert_same(back, video, but=("frame_index",))


def test_odd_but_readable():
    video = from_mot_text(ODD, SIZE, fps=2.0)
    assert video.frame_index.tolist() == [0, 2, 4]
    assert video.time.tolist() == [0.0, 1.0, 2.0]
    assert video.frame.tolist() == [0, 0, 1, 2, 2]
    assert video.track.tolist() == [1, -1, 2, -1, 4]
    assert video.labels.tolist() == [3, -1, 1, -1, -1]
    assert video.scores.tolist() == [1.0, 1.0, 0.75, 1.0, 0.5]
    assert video.boxes[2].tolist() == [10, 20, 40.5, 60]
    torch.testing.assert_close(video.features, video.geometry())


def test_sampled_frames_are_picked_with_their_features():
    features = torch.arange(5.0)[:, None]
    video = from_mot_text(ODD, SIZE, sampled=[0, 1, 4], features=features)
    assert video.frame.tolist() == [0, 0, 2, 2]
    assert video.features.flatten().tolist() == [1, 2, 3, 4]
    with pytest.raises(
        DataError, match=r"None of the 5 boxes .* numbered from 0, and the first box is in frame 2"
    ):
        from_mot_text(ODD, SIZE, sampled=[1, 3])
    with pytest.raises(DataError, match="a row for each of the 5 boxes, got 4"):
        from_mot_text(ODD, SIZE, features=features[:4])


def test_spaces_divide_too():
    assert_same(from_mot_text("1 2 3 4 5 6 0.5 7", SIZE), from_mot_text("1,2,3,4,5,6,0.5,7", SIZE))


def test_no_lines():
    assert len(from_mot_text("\n", SIZE, sampled=[0, 1])) == 0
    with pytest.raises(DataError, match="'sampled' must list"):
        from_mot_text("", SIZE)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("frame,id,x,y,w,h", "Line 3: 'frame' must be a whole number, got 'frame'"),
        ("1,2,3,4,5", "Line 3 must have 6 to 10 columns .*, got 5: '1,2,3,4,5'"),
        ("1,2,3,4,5,6,7,8,9,10,11", "Line 3 must have 6 to 10 columns .*, got 11"),
        ("0,1,1,1,5,5", "Line 3: 'frame' must be at least 1, got 0"),
        ("1.5,1,1,1,5,5", "Line 3: 'frame' must be a whole number, got '1.5'"),
        ("1,a,1,1,5,5", "Line 3: 'id' must be a whole number, got 'a'"),
        ("1,1,nan,1,5,5", "Line 3: 'x' must be a number, got 'nan'"),
        ("1,1,,1,5,5", "Line 3: 'x' must be a number, got ''"),
        ("1,1,1,1,5,0", "Line 3: width and height must be above 0, got 5 and 0"),
        ("1,1,200,1,5,5", "Line 3: the box at .* does not overlap the image of 160 x 120"),
        ("1,1,1,1,5,5,high", "Line 3: 'conf' must be a number, got 'high'"),
    ],
)
def test_a_broken_line_is_named(line, message):
    with pytest.raises(DataError, match=message):
        from_mot_text(f"1,1,1,1,5,5\n\n{line}\n", SIZE)


def test_a_file(tmp_path):
    path = tmp_path / "det.txt"
    path.write_text(ODD, encoding="utf-8", newline="")
    assert_same(read_mot_text(path, SIZE, fps=2.0), from_mot_text(ODD, SIZE, fps=2.0))
    path.write_text("1,1,1,1,5", encoding="utf-8")
    with pytest.raises(DataError, match=r"det\.txt: Line 1"):
        read_mot_text(path, SIZE)
    path.write_bytes(b"\xff\xfe1,1")
    with pytest.raises(DataError, match=r"det\.txt, line 1 is not UTF-(8|16) text"):
        read_mot_text(path, SIZE)
    with pytest.raises(MissingDataError, match=r"no\.txt"):
        read_mot_text(tmp_path / "no.txt", SIZE)
