import h5py
import numpy as np
import pytest

from stgraph.errors import DataError, MissingDataError
from stgraph.features.importers import read_keyed_hdf5

VIDEOS = {
    name: {"resnet": np.full((3, 2), number, np.float32), "c3d": np.full((1, 4), -number, np.float32)}
    for number, name in enumerate(("a", "b.c"), start=1)
}


def by_video(path, videos=VIDEOS):
    with h5py.File(path, "w") as file:
        for name, streams in videos.items():
            file.create_group(name)
            for stream, value in streams.items():
                file[f"{name}/{stream}"] = value
    return {"appearance": (path, "resnet"), "motion": (path, "c3d")}


def by_stream(path):
    with h5py.File(path, "w") as file:
        for name, streams in VIDEOS.items():
            for stream, value in streams.items():
                file[f"{stream}/{name}"] = value
    return {"appearance": (path, "resnet"), "motion": (path, "c3d")}


def one_file_a_stream(path):
    for stream in ("resnet", "c3d"):
        with h5py.File(path.with_name(f"{stream}.h5"), "w") as file:
            for name, streams in VIDEOS.items():
                file[name] = streams[stream]
    return {"appearance": (path.with_name("resnet.h5"), ""), "motion": (path.with_name("c3d.h5"), "")}


@pytest.mark.parametrize("write", [by_video, by_stream, one_file_a_stream])
def test_each_layout_gives_the_same_videos(tmp_path, write):
    videos = list(read_keyed_hdf5(write(tmp_path / "x.h5")))
    assert [video.id for video in videos] == list(VIDEOS)
    for video in videos:
        assert np.array_equal(video.appearance.numpy(), VIDEOS[video.id]["resnet"])
        assert np.array_equal(video.motion.numpy(), VIDEOS[video.id]["c3d"])


def test_videos_that_lack_a_stream_are_named(tmp_path):
    videos = {**VIDEOS, "d": {"resnet": np.ones((1, 2))}, "e": {}}
    joined = read_keyed_hdf5(by_video(tmp_path / "x.h5", videos))
    assert joined.mismatches == {"d": ("motion",), "e": ("appearance", "motion")}
    alone = read_keyed_hdf5({"appearance": (tmp_path / "x.h5", "resnet")})
    assert alone.mismatches == {"e": ("appearance",)}
    with pytest.raises(DataError, match=r"e \(no appearance\)"):
        iter(alone)


def test_names_and_files_that_cannot_be_right(tmp_path):
    path = tmp_path / "x.h5"
    by_video(path)
    with pytest.raises(
        MissingDataError, match="neither '/i3d/ID' nor '/ID/i3d'; its top-level keys are a, b.c"
    ):
        read_keyed_hdf5({"appearance": (path, "i3d")})
    with pytest.raises(DataError, match="has groups, such as 'a'"):
        read_keyed_hdf5({"appearance": (path, "")})
    with h5py.File(path, "a") as file:
        file["i3d/a/b"] = np.ones(3)
    with pytest.raises(DataError, match="'/i3d/a' must be an array, got a group"):
        read_keyed_hdf5({"appearance": (path, "i3d")})
    with pytest.raises(MissingDataError, match="No file at"):
        read_keyed_hdf5({"appearance": (tmp_path / "no.h5", "")})
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="is not an HDF5 file, or is damaged"):
        read_keyed_hdf5({"appearance": (path, "")})
