"""Files that end too early are refused, whatever the container; files without a declared length are read."""

import io
import subprocess

import pytest

from stgraph.errors import DataError
from stgraph.video import VideoReader
from stgraph.video.completeness import declared_size

WITH_LENGTHS = (
    "h264.mp4", "fragments.mp4", "h264.mkv", "vp8.webm", "h264.avi", "mpeg4.avi", "h264.flv", "wmv2.wmv", "pictures.gif",
    "pictures.apng", "theora.ogv", "mpeg2.mxf", "indexed.mp4", "mpeg2.ts", "h264.m2ts", "joined.ts", "mpeg1.mpg",
    "mpeg2.vob", "raw.y4m", "bare.mjpeg", "pal.dv",
)  # fmt: skip


@pytest.mark.parametrize("name", WITH_LENGTHS)
@pytest.mark.parametrize("percent", [3, 20, 50, 80, 97])
def test_a_file_that_was_cut_off_is_refused(ffmpeg_video, tmp_path, name, percent):
    data = ffmpeg_video(name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: len(data) * percent // 200 * 2 + 11])  # not between two packets of a stream
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


def test_a_fragment_without_its_data_is_refused(ffmpeg_video, tmp_path):
    data = ffmpeg_video("fragments.mp4").read_bytes()
    path = tmp_path / "a.mp4"
    path.write_bytes(data[: data.rindex(b"mdat") - 4])
    with pytest.raises(
        DataError, match=r"a.mp4 is truncated: its \d+ bytes end within a frame; download it again"
    ):
        VideoReader(path)


def _ends_of_fragments(data):
    """Where the data of each fragment end."""
    places = [place for place in range(len(data)) if data[place : place + 4] == b"mdat"]
    return [place - 4 + int.from_bytes(data[place - 4 : place], "big") for place in places]


def test_a_file_without_its_last_fragments_is_refused_by_their_index(ffmpeg_video, tmp_path):
    data = ffmpeg_video("indexed.mp4").read_bytes()
    *before, last = _ends_of_fragments(data)
    path = tmp_path / "a.mp4"
    for end in before:
        path.write_bytes(data[:end])
        with pytest.raises(
            DataError, match=rf"a.mp4 is truncated: it has {end} of {last} bytes; download it"
        ):
            VideoReader(path)
    path.write_bytes(data[:last])
    with VideoReader(path) as video:
        assert video.num_frames == 50


def test_an_index_of_other_fragments_is_ignored(ffmpeg_video, tmp_path):
    data = bytearray(ffmpeg_video("indexed.mp4").read_bytes())
    end = _ends_of_fragments(data)[2]
    data[data.index(b"sidx") + 31] += (
        4  # the length of the first fragment: places of the index no longer meet boxes
    )
    path = tmp_path / "a.mp4"
    path.write_bytes(data[:end])
    with VideoReader(path) as video:
        assert 0 < video.num_frames < 50


@pytest.mark.parametrize(("name", "unit"), [("mpeg2.ts", 188), ("h264.m2ts", 192), ("mpeg1.mpg", 2048)])
def test_a_recording_that_ends_between_packets_is_read(ffmpeg_video, tmp_path, name, unit):
    data = ffmpeg_video(name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: len(data) // 2 // unit * unit])
    with VideoReader(path) as video:
        assert 20 < video.num_frames < 40


@pytest.mark.parametrize("name", ["mpeg2.ts", "h264.m2ts", "mpeg1.mpg", "bare.mjpeg"])
def test_bytes_after_the_last_packet_are_ignored(ffmpeg_video, name):
    data = ffmpeg_video(name).read_bytes()
    for after in (b"\0" * 100, b"end of the recording", b"\0" * 5000):
        assert declared_size(io.BytesIO(data + after), len(data + after)) <= len(data + after)


def test_a_transport_stream_with_checksums_ends_with_a_packet(ffmpeg_video):
    data = ffmpeg_video("mpeg2.ts").read_bytes()
    packets = b"".join(data[place : place + 188] + b"\1" * 16 for place in range(0, len(data), 188))
    assert declared_size(io.BytesIO(packets), len(packets)) == len(packets)
    assert declared_size(io.BytesIO(packets[:-3]), len(packets) - 3) == len(packets)


def test_sectors_of_a_video_cd_may_be_filled_with_zeros(ffmpeg_video):
    data = ffmpeg_video("mpeg1.mpg").read_bytes()
    sectors = b"".join(data[place : place + 2048] + b"\0" * 20 for place in range(0, len(data), 2048))
    assert declared_size(io.BytesIO(sectors[:-500]), len(sectors) - 500) > len(sectors) - 500
    assert declared_size(io.BytesIO(sectors), len(sectors)) <= len(sectors)


def test_frames_of_y4m_have_the_size_of_their_pixel_format(ffmpeg_video, tmp_path):
    ffmpeg_video("raw.y4m")  # skips without ffmpeg
    formats = "yuv420p", "yuv422p", "yuv444p", "yuv411p", "gray", "gray16le", "yuva444p", "yuv420p10le"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=95x63:r=10:d=0.3"]
    for name in formats:
        command += ["-pix_fmt", name, "-strict", "-1", f"{name}.y4m"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    for name in formats:
        data = (tmp_path / f"{name}.y4m").read_bytes()
        assert declared_size(io.BytesIO(data), len(data)) == len(data), name
        assert declared_size(io.BytesIO(data[:-9]), len(data) - 9) == len(data), name


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (b"YUV4MPEG2 W2 H2 F10:1\n" + b"FRAME\n012345" * 2, 46),  # 4:2:0 by default
        (b"YUV4MPEG2 W2 H2 Cmono\n" + b"FRAME Ip\n0123" + b"FRAME\n0", 45),  # a frame with an option
        (b"YUV4MPEG2 W2 H2 Cmono\n" + b"FRAME\n0123" + b"FRA", None),
        (b"YUV4MPEG2 W2 H2 Cmono\n" + b"FRAME\n0123" + b"end", 0),
        (b"YUV4MPEG2 W2 H2 Cnew\n" + b"FRAME\n0123", 0),
        (b"YUV4MPEG2 W2 H2 XYSCSS=444\n" + b"FRAME\n0123", 0),
        (b"YUV4MPEG2 Wx H2\n" + b"FRAME\n0123", 0),
    ],
)
def test_what_a_y4m_file_tells_of_its_size(content, size):
    assert declared_size(io.BytesIO(content), len(content)) == size
