"""Real clips: frames are those of ``ffmpeg``, and the container that holds a clip changes nothing."""

import pytest
import torch

from benchmarks.video.oracle import compare
from stgraph.extraction import find_videos
from stgraph.features.store import FeatureStore
from tests.extraction.test_job import extract
from tests.video.conftest import ffmpeg_video  # noqa: F401  (fixture)
from tests.video.test_against_ffmpeg import remux

pytestmark = pytest.mark.usefixtures("ffmpeg_video")


def clips(real_data):
    found = [path for path in sorted((real_data / "clips").iterdir()) if path.suffix != ".json"]
    assert len(found) == 27
    return found


def test_every_clip_is_what_ffmpeg_shows(real_data):
    differing = {path.name: compare(path, jumps=1).problems for path in clips(real_data)}
    assert {name: problems for name, problems in differing.items() if problems} == {}


def test_stores_of_clips_and_of_the_same_streams_in_matroska_are_equal(real_data, tmp_path):
    (tmp_path / "remuxed").mkdir()
    for path in clips(real_data):
        remux(path, tmp_path / "remuxed" / f"{path.stem}.mkv")
    extract(real_data / "clips", tmp_path / "original.h5", shard=64)
    extract(tmp_path / "remuxed", tmp_path / "remuxed.h5", shard=64)
    one, other = FeatureStore(tmp_path / "original.h5"), FeatureStore(tmp_path / "remuxed.h5")
    assert set(one.ids) == set(other.ids) == {source.id for source in find_videos(real_data / "clips")[0]}
    for name in one.ids:
        assert one[name].frame_index.tolist() == other[name].frame_index.tolist(), name
        assert torch.equal(one[name].appearance, other[name].appearance), name
