"""Reading frames by number from many kinds of files, and the errors for files without frames."""

import gc
import os

import av
import numpy as np
import pytest
import torch

from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.video import VideoReader
from tests.video.samples import colour, write_video


def _number(picture):
    """Decodes the frame number from the lower right corner."""
    red, green, _ = picture[-4:, -4:].reshape(-1, 3).double().mean(0).tolist()
    return round((red - 40) / 20) + 9 * round((green - 40) / 20)


KINDS = {
    "b-frames.mp4": {},
    "one-key.mp4": {"gop": 1000},
    "all-keys.mkv": {"gop": 1},
    "plain.avi": {"codec": "mpeg4"},
    "b-frames.avi": {"bf": "3"},
    "gaps.avi": {"codec": "mpeg4", "stamps": [40 * n for n in range(30)]},
    "odd.mov": {"size": (45, 63), "pix_fmt": "yuv444p"},
    "vp9.webm": {"codec": "libvpx-vp9"},
    "pictures.gif": {"codec": "gif", "pix_fmt": "rgb8"},
    "uneven.mp4": {"stamps": [int(40 * n + 900 * (n > 7) + 13 * (n % 3)) for n in range(30)]},
}


@pytest.mark.parametrize("name", KINDS)
def test_every_frame_is_found_by_its_number_in_any_order(tmp_path, name):
    with VideoReader(write_video(tmp_path / name, **KINDS[name])) as video:
        assert video.num_frames == 30
        order = np.random.default_rng(0).permutation(30).tolist()
        assert [_number(picture) for picture in video.read(order)] == order
        assert [_number(video.read([n])[0]) for n in (29, 3, 17, 0)] == [29, 3, 17, 0]
        assert video.size == KINDS[name].get("size", (48, 64))


def test_pictures_are_those_of_plain_decoding(tmp_path):
    path = write_video(tmp_path / "a.mp4")
    with av.open(str(path)) as container:
        plain = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with VideoReader(path) as video:
        numbers = [28, 4, 4, 19]
        assert torch.equal(video.read(numbers), torch.from_numpy(np.stack([plain[n] for n in numbers])))


def test_times_are_those_of_the_file(tmp_path):
    stamps = [0, 40, 90, 600, 610, 2000]
    with VideoReader(write_video(tmp_path / "a.mp4", frames=6, stamps=stamps)) as video:
        assert (video.times * 1000).tolist() == pytest.approx(stamps, abs=1)


@pytest.mark.parametrize("turn", [90, -90, 180])
def test_a_turned_video_is_shown_upright(tmp_path, turn):
    with VideoReader(write_video(tmp_path / "a.mp4", frames=3, turn=turn)) as video:
        picture = video.read([1])[0]
    upright = {90: (64, 48), -90: (64, 48), 180: (48, 64)}[turn]
    assert tuple(picture.shape[:2]) == video.size == upright
    # The white corner was at the top left; a rotation by 90 degrees counterclockwise moves it to the bottom left.
    corners = {
        "top": picture[2, 2],
        "right": picture[2, -3],
        "bottom": picture[-3, -3],
        "left": picture[-3, 2],
    }
    white = [name for name, pixel in corners.items() if int(pixel.min()) > 200]
    assert white == {90: ["left"], -90: ["right"], 180: ["bottom"]}[turn]


def test_near_frames_are_decoded_on_the_way_and_far_ones_sought(tmp_path, monkeypatch):
    with VideoReader(write_video(tmp_path / "a.mp4", frames=90, gop=10)) as video:
        assert video.num_frames == 90
        sought, decoded = [], []
        seek, decode = video._file.seek, video._file.decode
        monkeypatch.setattr(video._file, "seek", lambda stamp: (sought.append(stamp), seek(stamp))[1])
        monkeypatch.setattr(video._file, "decode", lambda packet: (decoded.append(packet), decode(packet))[1])
        video.read([12, 13, 19, 75, 76])
        assert len(sought) == 2
        assert len(decoded) < 45


@pytest.mark.parametrize("size", [(1, 1), (2, 2)])
def test_a_video_of_one_frame_and_hardly_a_pixel(tmp_path, size):
    path = write_video(tmp_path / "a.mkv", frames=1, size=size, codec="ffv1", pix_fmt="bgr0")
    with VideoReader(path) as video:
        assert video.read([0]).shape == (1, *size, 3)
        assert video.times.tolist() == [0]


def test_a_number_that_the_file_has_not_is_named(tmp_path):
    with VideoReader(write_video(tmp_path / "a.mp4", frames=5)) as video:
        with pytest.raises(OptionError, match="frames 0 to 4, got 5"):
            video.read([0, 5])


def _sound(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 16000), dtype=np.float32), format="fltp", layout="mono"
        )
        frame.rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _cut(path):
    write_video(path, frames=60)
    path.write_bytes(path.read_bytes()[:-2000])


def _cut_in_the_middle(path):
    write_video(path, frames=60, codec="mpeg4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("a.mp4", _sound, "has no video stream, only audio"),
        ("b.mp4", lambda path: path.write_bytes(b""), "is empty \\(0 bytes\\)"),
        (
            "c.mp4",
            lambda path: path.write_text("this is no video at all\n" * 40),
            "cannot be read as a video",
        ),
        ("d.mp4", _cut, "truncated"),
        ("e.avi", _cut_in_the_middle, "truncated"),
        ("f.mp4", lambda path: path.mkdir(), "is a folder and not a video file"),
    ],
)
def test_files_without_frames_say_why(tmp_path, name, make, message):
    path = tmp_path / name
    make(path)
    with pytest.raises(DataError, match=message) as raised:
        VideoReader(path).read([0])
    assert str(path) in str(raised.value)


def test_a_missing_file_and_one_without_permission(tmp_path):
    with pytest.raises(MissingDataError, match="There is no video at"):
        VideoReader(tmp_path / "none.mp4")
    path = write_video(tmp_path / "a.mp4", frames=2)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(DataError, match="is not readable"):
        VideoReader(path)


@pytest.mark.parametrize(
    "name", ["a b.mp4", "a=b.mp4", "a,b.mp4", "[a].mp4", "-a.mp4", "concat:a.mp4", "100%d.mp4"]
)
def test_any_name_is_a_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "plain.mp4", frames=3).rename(tmp_path / name)
    with VideoReader(name) as video:
        assert _number(video.read([2])[0]) == 2


def test_colours_tell_frames_apart():
    assert len({tuple(colour(number)) for number in range(81)}) == 81


def test_a_closed_reader_leaves_no_decoder_until_the_garbage_collection(tmp_path):
    """PyAV's frames may refer to themselves, and each keeps its decoder and the decoder's threads."""
    path = write_video(tmp_path / "a.mp4", turn=90)
    gc.collect()
    gc.disable()
    try:
        before = len(_frames_alive())
        with VideoReader(path) as video:
            video.read([3, 20, 5])
        del video
        assert len(_frames_alive()) == before
    finally:
        gc.enable()


def _frames_alive():
    return [each for each in gc.get_objects() if isinstance(each, av.VideoFrame | av.CodecContext)]


@pytest.mark.parametrize("place", range(8))
def test_a_damaged_end_has_the_frames_that_a_decoder_without_threads_gives(tmp_path, place):
    """A decoder with threads loses the frames that are under way when the last packets are damaged."""
    path = write_video(tmp_path / "a.ts")
    content = bytearray(path.read_bytes())
    start = len(content) * 3 // 4 + 188 * place
    content[start + 20 : start + 40] = bytes(20)
    path.write_bytes(content)
    count = _frames_without_threads(path)
    with VideoReader(path) as video:
        assert video.num_frames == count
        assert len(video.read(range(count))) == count


@pytest.mark.parametrize("container", ["mp4", "avi"])
@pytest.mark.parametrize("place", [-1, -2, -3])
def test_a_damaged_packet_near_the_end_of_mpeg4_costs_only_its_own_frame(tmp_path, container, place):
    """The decoder's threads report the damage when they are asked for their last frames, and then give none of them."""
    path = write_video(tmp_path / f"a.{container}", codec="mpeg4", frames=25)
    with av.open(str(path)) as opened:
        packet = [each for each in opened.demux(video=0) if each.size][place]
        start = packet.pos
    content = bytearray(path.read_bytes())
    start = content.index(b"\0\0\1\xb6", start)
    content[start : start + 6] = b"\xff" * 6
    path.write_bytes(content)
    assert _frames_without_threads(path) == 24
    with VideoReader(path) as video:
        assert video.num_frames == 24
        assert len(video.read(range(24))) == 24


def _frames_without_threads(path):
    with av.open(str(path)) as container:
        stream, count = container.streams.video[0], 0
        stream.thread_type = "NONE"
        for packet in container.demux(stream):
            try:
                count += len(stream.decode(packet))
            except av.error.FFmpegError:
                continue
    return count
