"""Videos read back as they were written."""

import numpy as np
import pytest

from stgraph.errors import DataError, ShapeError
from stgraph.video import VideoReader, write_video


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv", "v.avi"])
def test_frames_and_times_come_back(tmp_path, name):
    frames = np.zeros((9, 32, 48, 3), np.uint8) + (20 * np.arange(1, 10, dtype=np.uint8))[:, None, None, None]
    with VideoReader(write_video(tmp_path / name, frames, fps=5)) as video:
        assert video.num_frames == 9
        np.testing.assert_allclose(video.read(range(9)), frames, atol=6)
        np.testing.assert_allclose(video.times, np.arange(9) / 5, atol=1e-3)


def test_what_cannot_be_written_is_said(tmp_path):
    with pytest.raises(
        ShapeError, match=r"'frames' must be uint8 \[F, H, W, 3\], got float64 \[2, 4, 4, 3\]"
    ):
        write_video(tmp_path / "v.mp4", np.zeros((2, 4, 4, 3)))
    with pytest.raises(DataError, match=r"v.mp4 cannot be written with codec 'libx264'"):
        write_video(tmp_path / "v.mp4", np.zeros((2, 3, 5, 3), np.uint8))


def test_frames_may_come_one_by_one(tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (5, 32, 48, 3), dtype=np.uint8)
    write_video(tmp_path / "whole.avi", frames, codec="ffv1")
    write_video(tmp_path / "parts.avi", iter(frames), codec="ffv1")
    assert (tmp_path / "whole.avi").read_bytes() == (tmp_path / "parts.avi").read_bytes()
    with pytest.raises(DataError, match="There are no frames to write to"):
        write_video(tmp_path / "none.avi", iter(()))
    with pytest.raises(ShapeError, match=r"must be uint8 \[32, 48, 3\], got uint8 \[48, 32, 3\]"):
        write_video(tmp_path / "turned.avi", iter([frames[0], frames[1].transpose(1, 0, 2)]), codec="ffv1")
    assert not (tmp_path / "turned.avi").exists()
