import h5py
import numpy as np
import pytest

from stgraph.errors import DataError, MissingDataError
from stgraph.features.importers import read_hdf5_per_video

STREAMS = {"appearance": "frames/resnet", "motion": "c3d"}


@pytest.fixture
def folder(tmp_path):
    for number, file_name in enumerate(("a.h5", "b.c.hdf5")):
        with h5py.File(tmp_path / file_name, "w") as file:
            file["frames/resnet"] = np.full((3, 2), number)
            file["c3d"] = np.full(4, -number, np.float16)
    return tmp_path


def test_values_come_out_as_they_stand_in_the_files(folder):
    one, other = read_hdf5_per_video(folder, STREAMS)
    assert (one.id, other.id) == ("a", "b.c")
    assert other.appearance.tolist() == [[1, 1]] * 3
    assert other.motion.tolist() == [[-1] * 4]
    assert one.motion.tolist() == [[0] * 4]


def test_videos_that_lack_a_stream_are_named(folder):
    with h5py.File(folder / "d.h5", "w") as file:
        file["c3d"] = np.ones(4)
    h5py.File(folder / "e.h5", "w").close()
    joined = read_hdf5_per_video(folder, STREAMS)
    assert joined.mismatches == {"d": ("appearance",), "e": ("appearance", "motion")}
    assert [video.id for video in read_hdf5_per_video(folder, STREAMS, common=True)] == ["a", "b.c"]


def test_files_that_cannot_be_right(folder):
    with pytest.raises(MissingDataError, match="No videos have 'motion'"):
        read_hdf5_per_video(folder, {"motion": "i3d"})
    with pytest.raises(DataError, match="Video 'a': 'motion' cannot be read: .* has no array 'frames'"):
        list(read_hdf5_per_video(folder, {"motion": "frames"}))
    (folder / "a.hdf5").write_bytes((folder / "a.h5").read_bytes())
    with pytest.raises(DataError, match="'a.h5' and 'a.hdf5' in .* would both be the video 'a'"):
        read_hdf5_per_video(folder, STREAMS)
    (folder / "a.hdf5").unlink()
    (folder / "a.h5").write_bytes(b"x")
    with pytest.raises(DataError, match="a.h5 is not an HDF5 file"):
        read_hdf5_per_video(folder, STREAMS)
    with pytest.raises(MissingDataError, match="No ID.h5 or ID.hdf5 files"):
        read_hdf5_per_video(folder / "nowhere", STREAMS)
