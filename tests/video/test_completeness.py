"""Files that end too early are refused, whatever the container; files without a declared length are read."""

import pytest

from stgraph.errors import DataError
from stgraph.video import VideoReader
from stgraph.video.completeness import declared_size

WITH_LENGTHS = (
    "h264.mp4", "fragments.mp4", "h264.mkv", "vp8.webm", "h264.avi", "mpeg4.avi", "h264.flv", "wmv2.wmv", "pictures.gif",
    "pictures.apng", "theora.ogv", "mpeg2.mxf", "h264.nut",
)  # fmt: skip


@pytest.mark.parametrize("name", WITH_LENGTHS)
@pytest.mark.parametrize("percent", [3, 20, 50, 80, 97])
def test_a_file_that_was_cut_off_is_refused(ffmpeg_video, tmp_path, name, percent):
    data = ffmpeg_video(name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: len(data) * percent // 100])
    with pytest.raises(DataError, match="truncated|damaged|cannot be read as a video|no frames") as raised:
        with VideoReader(path) as video:
            video.read([0, video.num_frames - 1])
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("name", WITH_LENGTHS)
def test_the_whole_file_has_its_declared_length(ffmpeg_video, name):
    path = ffmpeg_video(name)
    with path.open("rb") as file:
        declared = declared_size(file, path.stat().st_size)
    assert declared is not None
    assert declared <= path.stat().st_size


def test_both_lengths_are_named(ffmpeg_video, tmp_path):
    data = ffmpeg_video("mpeg4.avi").read_bytes()
    path = tmp_path / "a.avi"
    path.write_bytes(data[:9000])
    with pytest.raises(
        DataError, match=rf"a.avi is truncated: it has 9000 of {len(data)} bytes; download it again"
    ):
        VideoReader(path)


def test_an_flv_that_lacks_whole_tags_is_shorter_than_it_declares(ffmpeg_video, tmp_path):
    data = ffmpeg_video("h264.flv").read_bytes()
    end = 13
    while (
        end < len(data) // 2
    ):  # a tag: type, length in three bytes, seven more bytes, data, length of the tag
        end += 15 + int.from_bytes(data[end + 1 : end + 4], "big")
    path = tmp_path / "a.flv"
    path.write_bytes(data[:end])
    with pytest.raises(DataError, match=r"a.flv is truncated: it has \d\.\d of 5\.\d seconds"):
        VideoReader(path).num_frames


@pytest.mark.parametrize("size", [b"\0\0\0\0", b"\xff\xff\xff\xff"])
def test_an_avi_that_was_never_finished_is_read(ffmpeg_video, tmp_path, size):
    data = ffmpeg_video("mpeg4.avi").read_bytes()
    path = tmp_path / "a.avi"
    path.write_bytes(data[:4] + size + data[8:])
    with VideoReader(path) as video:
        assert video.num_frames == 50


def test_a_live_recording_in_matroska_is_read(ffmpeg_video, tmp_path):
    data = ffmpeg_video("h264.mkv").read_bytes()
    place = data.index(b"\x18\x53\x80\x67") + 4
    path = tmp_path / "a.mkv"
    path.write_bytes(data[:place] + b"\x01" + b"\xff" * 7 + data[place + 8 :])
    with VideoReader(path) as video:
        assert video.num_frames == 50


def test_bytes_after_the_end_are_ignored(ffmpeg_video, tmp_path):
    for name in ("h264.mp4", "h264.mkv", "mpeg4.avi"):
        path = tmp_path / name
        path.write_bytes(ffmpeg_video(name).read_bytes() + b"\0" * 100)
        with VideoReader(path) as video:
            assert video.num_frames == 50
