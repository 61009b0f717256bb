"""Files that claim to be large are refused at once, and the limit can be raised."""

import gc
import re
import resource
import time

import av
import pytest

from benchmarks.limits.hostile import VIDEOS, write
from stgraph.errors import DataError, OptionError, StgraphError
from stgraph.limits import Limits
from stgraph.video import VideoReader
from tests.video.samples import write_video

REASONS = {
    "a GIF of 32767 x 32767": "STGRAPH_MAX_PIXELS",
    "a PNG of 16000 x 16000": "no frames.*more than 67108864 pixels, raise.*STGRAPH_MAX_PIXELS",
    "JPEG pictures of 32768 x 32768 in AVI": "no frames that can be decoded",
    "an MP4 of 1,000,000,000 frames": "claims 1000000000 frames, above the limit of 2000000.*STGRAPH_MAX_FRAMES=",
    "fragments of 1,000,000,000 frames": "claims 1000000000 frames.*STGRAPH_MAX_FRAMES=1000000000",
    "10 hours in two frames": "18000 seconds per frame.*STGRAPH_MAX_SECONDS_PER_FRAME=18000",
    "5,000 tracks in Matroska": "at least 257 streams.*STGRAPH_MAX_STREAMS to more than 257",
}


@pytest.mark.parametrize("name", list(VIDEOS))
def test_a_file_that_claims_to_be_large_is_refused_at_once(tmp_path, name):
    path = write(name, tmp_path)
    before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(DataError, match=REASONS[name]), VideoReader(path) as video:
        video.read([0])
    assert time.process_time() - begin < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 << 10


@pytest.mark.parametrize(
    ("name", "most", "match"),
    [
        ("max_pixels", 3071, "frames of 64 x 48 have 3072 pixels"),
        ("max_frames", 29, "claims 30 frames"),
        ("max_streams", 1, None),
        ("max_seconds_per_frame", 1, None),
    ],
)
def test_the_remedy_of_a_message_works(tmp_path, monkeypatch, name, most, match):
    path, variable = write_video(tmp_path / "v.mp4"), f"STGRAPH_{name.upper()}"
    monkeypatch.setenv(variable, str(most))
    if match is not None:
        with pytest.raises(DataError, match=match) as refusal:
            VideoReader(path).read([0])
        found = re.search(rf"{variable}=(\d+)", str(refusal.value))
        monkeypatch.setenv(variable, found[1])
    with VideoReader(path) as video:
        assert len(video.read([29])) == 1


def test_frames_are_counted_where_no_header_tells(tmp_path, monkeypatch):
    monkeypatch.setenv("STGRAPH_MAX_FRAMES", "29")
    path = write_video(tmp_path / "v.avi")
    with pytest.raises(DataError, match="at least 30 frames, above the limit of 29"):
        VideoReader(path).read([0])


@pytest.mark.parametrize("text", ["0", "-1", "many", "1e6", "9" * 30])
def test_a_limit_that_is_no_number_is_refused(tmp_path, monkeypatch, text):
    monkeypatch.setenv("STGRAPH_MAX_FRAMES", text)
    with pytest.raises(OptionError, match="STGRAPH_MAX_FRAMES must be a whole number above 0"):
        VideoReader(write_video(tmp_path / "v.mp4"))


@pytest.mark.parametrize("value", [0, True, 1.5, "8"])
def test_limits_are_whole_numbers(value):
    with pytest.raises(StgraphError, match="'max_streams' must be a whole number above 0"):
        Limits(max_streams=value)


def test_decoded_frames_are_freed_as_soon_as_they_were_read(tmp_path):
    """They once were part of a circle, so that 50 MB of an 8K frame stayed until garbage was collected."""
    path = write_video(tmp_path / "v.mp4", turn=90)
    gc.collect()
    gc.disable()
    try:
        with VideoReader(path) as video:
            for _ in video.frames(range(30)):
                pass
        left = sum(type(each) is av.VideoFrame for each in gc.get_objects())
    finally:
        gc.enable()
    assert left < 10
