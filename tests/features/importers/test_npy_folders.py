import numpy as np
import pytest

from stgraph.errors import DataError, MissingDataError
from stgraph.features.importers import read_npy_folders


@pytest.fixture
def folder(tmp_path):
    draw = np.random.default_rng(0)
    for name in ("resnet", "c3d"):
        (tmp_path / name).mkdir()
    for video in ("b.c", "a"):
        np.save(tmp_path / "resnet" / f"{video}.npy", draw.normal(size=(4, 3)).astype(np.float16))
        np.save(tmp_path / "c3d" / f"{video}.npy", draw.normal(size=5))
    (tmp_path / "resnet" / "readme.txt").write_text("notes")
    return tmp_path


def places(folder):
    return {"appearance": folder / "resnet", "motion": str(folder / "c3d")}


def test_values_come_out_as_they_stand_in_the_files(folder):
    videos = list(read_npy_folders(places(folder)))
    assert [video.id for video in videos] == ["a", "b.c"]
    for video in videos:
        expected = np.load(folder / "resnet" / f"{video.id}.npy").astype(np.float32)
        assert np.array_equal(video.appearance.numpy(), expected)
        expected = np.load(folder / "c3d" / f"{video.id}.npy").astype(np.float32)
        assert np.array_equal(video.motion.numpy(), expected[None])


def test_a_file_that_is_missing(folder):
    (folder / "c3d" / "a.npy").unlink()
    with pytest.raises(DataError, match=r"1 videos are not in all streams: a \(no motion\)"):
        iter(read_npy_folders(places(folder)))
    assert [video.id for video in read_npy_folders(places(folder), common=True)] == ["b.c"]


def test_files_that_cannot_be_read(folder):
    path = folder / "c3d" / "a.npy"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DataError, match="Video 'a': 'motion' cannot be read"):
        list(read_npy_folders(places(folder)))
    path.write_bytes(b"")
    with pytest.raises(DataError, match="Video 'a': 'motion' cannot be read"):
        list(read_npy_folders(places(folder)))
    np.save(path, np.array([{}]))  # pickled objects are refused
    with pytest.raises(DataError, match="Video 'a': 'motion' cannot be read"):
        list(read_npy_folders(places(folder)))
    with path.open("wb") as file:
        np.savez(file, x=np.ones(3))
    with pytest.raises(DataError, match="Video 'a': 'motion' must be one array, got a NpzFile"):
        list(read_npy_folders(places(folder)))


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_folder_without_features(tmp_path, name):
    with pytest.raises(MissingDataError, match="No ID.npy files in"):
        read_npy_folders({"appearance": tmp_path / name})
