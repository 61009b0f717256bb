"""Videos made by the program ``ffmpeg``."""

import os
import shutil

import pytest

from benchmarks.video.recipes import make


@pytest.fixture(scope="session")
def ffmpeg_video(tmp_path_factory):
    """Returns a function that makes the video of a recipe and returns its path; skips without the program."""
    if shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None:
        if os.environ.get("STGRAPH_EXPECT_FFMPEG") == "1":
            pytest.fail("ffmpeg and ffprobe must be installed here")
        pytest.skip("compares with the programs ffmpeg and ffprobe, which are not installed")
    folder = tmp_path_factory.mktemp("recipes")
    return lambda name: make(name, folder)
