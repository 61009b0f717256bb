"""What is opened, which stream is read, and that no error of the libraries below comes through."""

import os
import subprocess
import threading

import av
import pytest

from benchmarks.video.recipes import TURNS
from stgraph.errors import DataError, MissingDataError, OptionError
from stgraph.video import VideoReader
from stgraph.video.video_file import VideoFile, translated_errors
from tests.video.samples import write_video

WITH_PIPES = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")


@WITH_PIPES
def test_a_pipe_is_refused_without_being_opened(tmp_path):
    path, said = tmp_path / "x.mp4", []
    os.mkfifo(path)

    def read():
        with pytest.raises(DataError) as raised:
            VideoReader(path)
        said.append(str(raised.value))

    thread = threading.Thread(target=read, daemon=True)  # opening the pipe would wait for a writer for ever
    thread.start()
    thread.join(timeout=30)
    assert said == [f"{path} is a pipe and not a video file; leave it out."]


@WITH_PIPES
def test_a_pipe_in_a_folder_is_one_failure(tmp_path):
    from stgraph.extraction import find_videos
    from tests.extraction.test_job import extract

    (tmp_path / "videos").mkdir()
    os.mkfifo(tmp_path / "videos" / "x.mp4")
    (tmp_path / "videos" / "y.mp4").symlink_to(write_video(tmp_path / "y.mp4", frames=12))
    assert [source.id for source in find_videos(tmp_path / "videos")[0]] == ["x", "y"]
    outcome = extract(tmp_path / "videos", tmp_path / "store.h5")
    assert outcome.added == 1
    assert [("x.mp4 is a pipe" in str(failure)) for failure in outcome.failures] == [True]


@pytest.mark.parametrize("name", ["/dev/null", "/dev/zero"])
def test_devices_are_refused(name):
    if not os.path.exists(name):
        pytest.skip("no such device")
    with pytest.raises(DataError, match=f"{name} is a device and not a video file"):
        VideoReader(name)


def test_a_link_to_nothing_and_a_name_with_nul(tmp_path):
    (tmp_path / "a.mp4").symlink_to(tmp_path / "none.mp4")
    with pytest.raises(MissingDataError, match="There is no video at"):
        VideoReader(tmp_path / "a.mp4")
    with pytest.raises(OptionError, match="must be a path whose names are at most 255 bytes, without NUL"):
        VideoReader("a\0.mp4")


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile neighbour.mp4\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nneighbour.mp4\n#EXT-X-ENDLIST\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    ],
)
def test_a_text_that_names_other_files_is_no_video(tmp_path, text):
    write_video(tmp_path / "neighbour.mp4", frames=5)
    path = tmp_path / "x.mp4"
    path.write_text(text)
    with pytest.raises(DataError, match="x.mp4 cannot be read as a video"):
        VideoReader(path)


def test_tags_that_are_not_utf_8_are_no_obstacle(tmp_path):
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "cafX"
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for _ in range(4):
            container.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        container.mux(stream.encode())
    data = path.read_bytes()
    assert b"cafX" in data
    path.write_bytes(data.replace(b"cafX", b"caf\xe9"))
    with VideoReader(path) as video:
        assert video.read([3]).shape == (1, 32, 32, 3)


def test_a_codec_without_a_decoder_is_named_as_such(tmp_path):
    data = write_video(tmp_path / "a.mkv", codec="mpeg4", frames=5).read_bytes()
    assert data.count(b"V_MPEG4/ISO/ASP") == 1
    (tmp_path / "a.mkv").write_bytes(data.replace(b"V_MPEG4/ISO/ASP", b"V_MYOWN/ISO/ASP"))
    with pytest.raises(DataError, match="no decoder for its video; convert it to H.264"):
        VideoReader(tmp_path / "a.mkv")


@pytest.mark.parametrize(
    "error",
    [
        av.error.InvalidDataError(1, "below"),
        OSError("below"),
        UnicodeDecodeError("utf-8", b"x", 0, 1, "below"),
        RuntimeError("below"),
        MemoryError("below"),
        AssertionError("below"),
        IndexError("below"),
        ZeroDivisionError("below"),
        TypeError("below"),
    ],
)
def test_every_kind_of_error_below_becomes_one_sentence(tmp_path, error):
    with pytest.raises(DataError, match=r"a.mp4 cannot be decoded \(.*below.*\); is it damaged"):
        with translated_errors(tmp_path / "a.mp4", "decoded"):
            raise error


@pytest.mark.parametrize("read", [VideoFile.packets, VideoFile.packets_with_ends])
def test_a_stream_that_appears_while_reading_ends_the_packets(tmp_path, read):
    """Having given all packets, PyAV raises an IndexError for a stream that wasn't known when the file was opened."""
    file = VideoFile(write_video(tmp_path / "a.ts", frames=5))
    container = file._container

    class Growing:
        start_time = 0

        @staticmethod
        def demux(*streams):
            yield from container.demux(*streams)
            raise IndexError("list index out of range")

    file._container = Growing
    assert len(list(read(file))) == 5 + 1
    container.close()


def test_a_reader_that_was_closed_says_so(tmp_path):
    video = VideoReader(write_video(tmp_path / "a.mp4", frames=5))
    video.close()
    with pytest.raises(DataError, match="a.mp4"):
        video.read([0])


def test_frames_of_several_sizes_are_not_stacked(ffmpeg_video, tmp_path):
    small = ffmpeg_video("long.ts").read_bytes()
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=192x128:r=10:d=2",
        "-pix_fmt",
        "yuv420p",
    ]
    subprocess.run([*command, "-c:v", "libx264", str(tmp_path / "b.ts")], check=True, capture_output=True)
    path = tmp_path / "a.ts"
    path.write_bytes(small + (tmp_path / "b.ts").read_bytes())
    with VideoReader(path) as video:
        assert video.num_frames == 100
        shapes = {frame.shape for _, frame in video.frames([0, 99])}
        assert shapes == {(64, 96, 3), (128, 192, 3)}
        with pytest.raises(DataError, match="frames of 2 sizes, such as 64 x 96 and 128 x 192; cut the file"):
            video.read([0, 99])


def test_ffmpegs_choice_of_the_stream(ffmpeg_video):
    assert VideoFile(ffmpeg_video("two_streams.mkv"))._stream.width == 96  # the smaller one is the default
    assert VideoFile(ffmpeg_video("two_plain.mkv"))._stream.width == 192
    assert VideoFile(ffmpeg_video("cover.mp4"))._stream.width == 96


def test_all_eight_orientations_are_in_the_table():
    assert len(set(TURNS.values())) == 8
