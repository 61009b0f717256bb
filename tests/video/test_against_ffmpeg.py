"""Frames are those that ``ffmpeg`` writes; ``python -m benchmarks.video`` compares many more files."""

import hashlib
import subprocess

import numpy as np
import pytest

from benchmarks.video.oracle import compare, shown_by_ffmpeg
from stgraph.errors import DataError
from stgraph.video import VideoReader

pytestmark = pytest.mark.usefixtures("ffmpeg_video")


@pytest.mark.parametrize(
    "name",
    [
        "h264.ts",  # seeks land late
        "cut.mp4",  # frames outside an edit list are decoded, but not shown
        "turn4.mp4",  # mirrored
        "h264.avi",  # no presentation times
        "vp8.webm",  # hidden frames
        "middle.ts",  # begins with frames that cannot be decoded
        "refresh.ts",  # frames that are marked as key frames and aren't
        "wrapped.ts",
        "joined.ts",
        "two_streams.mkv",
        "cover.mp4",
    ],
)
def test_counts_times_and_pictures_in_any_order(ffmpeg_video, name):
    assert compare(ffmpeg_video(name), jumps=6).problems == ()


@pytest.mark.parametrize("number", [70, 3, 79, 26])
def test_a_frame_read_alone_from_a_transport_stream(ffmpeg_video, number):
    shown = shown_by_ffmpeg(ffmpeg_video("long.ts"))
    assert len(set(shown.digests)) == 80
    with VideoReader(ffmpeg_video("long.ts")) as video:
        picture = np.ascontiguousarray(video._cursor.frame(number).to_ndarray())
    assert shown.digests.index(hashlib.md5(picture.tobytes()).hexdigest()) == number


def test_an_edit_list_hides_frames(ffmpeg_video):
    whole, cut = ffmpeg_video("long.mp4"), ffmpeg_video("cut.mp4")
    with VideoReader(whole) as original, VideoReader(cut) as video:
        assert video.num_frames == 22  # ffprobe counts 28 packets
        first = np.abs(original.read([31])[0].numpy().astype(int) - video.read([0])[0].numpy()).max()
    assert first == 0


def test_times_and_rate_of_avi_with_b_frames(ffmpeg_video):
    with VideoReader(ffmpeg_video("h264.avi")) as video:
        np.testing.assert_allclose(video.times, np.arange(50) / 10, atol=1e-4)
        assert video.fps == pytest.approx(10)


def test_cover_art_is_no_video(ffmpeg_video, tmp_path):
    cover, path = ffmpeg_video("cover.png"), tmp_path / "song.m4a"
    sound = ["-f", "lavfi", "-i", "sine=d=1", "-i", str(cover)]
    maps = ["-map", "0", "-map", "1", "-c:a", "aac", "-c:v", "copy", "-disposition:v", "attached_pic"]
    subprocess.run(["ffmpeg", "-v", "error", *sound, *maps, str(path)], check=True, capture_output=True)
    with pytest.raises(DataError, match="has no video stream, only audio and a cover picture; leave it out"):
        VideoReader(path)


def test_transport_streams_are_not_decoded_from_their_start(ffmpeg_video, monkeypatch):
    with VideoReader(ffmpeg_video("long.ts")) as video:
        assert video.num_frames == 80
        decoded, decode = [], video._file.decode
        monkeypatch.setattr(video._file, "decode", lambda packet: (decoded.append(packet), decode(packet))[1])
        video.read([77])
        assert len(decoded) <= 6 + 16  # from the key frame 75, and what the threads of the decoder hold


def test_a_store_of_a_remuxed_video_holds_the_same_features(ffmpeg_video, tmp_path):
    from stgraph.extraction import find_videos
    from stgraph.features.store import FeatureStore
    from tests.extraction.test_job import extract

    sources = ["h264.mp4", "h264.m2ts", "vp8.webm", "mpeg4_b.avi", "mpeg2.mpg", "uneven.mp4"]
    for folder in ("original", "remuxed"):
        (tmp_path / folder).mkdir()
    for number, name in enumerate(sources):
        path = ffmpeg_video(name)
        (tmp_path / "original" / f"{number}{path.suffix}").write_bytes(path.read_bytes())
        remux(path, tmp_path / "remuxed" / f"{number}.mkv")
    for folder in ("original", "remuxed"):
        assert len(find_videos(tmp_path / folder)[0]) == len(sources)
        extract(tmp_path / folder, tmp_path / f"{folder}.h5")
    one, other = FeatureStore(tmp_path / "original.h5"), FeatureStore(tmp_path / "remuxed.h5")
    assert one.ids == other.ids
    for name in one.ids:
        assert one[name].frame_index.tolist() == other[name].frame_index.tolist()
        assert one[name].appearance.tolist() == other[name].appearance.tolist()
        assert one[name].size == other[name].size
        np.testing.assert_allclose(one[name].frame_time, other[name].frame_time, atol=0.002)


def remux(path, target):
    """Copies the streams of a video into Matroska."""
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-y",
        "-fflags",
        "+genpts",
        "-i",
        str(path),
        "-map",
        "0:v",
        "-c",
        "copy",
    ]
    subprocess.run([*command, str(target)], check=True, capture_output=True)
