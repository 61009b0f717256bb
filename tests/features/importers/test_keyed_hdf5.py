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
        MissingDataError, match="has no group '/i3d', and no array '/ID/i3d'; its top-level keys are a, b.c"
    ):
        read_keyed_hdf5({"appearance": (path, "i3d")})
    with pytest.raises(DataError, match="holds groups, such as '/a' with 2 members"):
        read_keyed_hdf5({"appearance": (path, "")})
    with h5py.File(path, "a") as file:
        file["i3d/a/b"] = np.ones(3)
    with pytest.raises(DataError, match="'/i3d' holds groups, such as '/i3d/a' with 1 members"):
        read_keyed_hdf5({"appearance": (path, "i3d")})
    with pytest.raises(MissingDataError, match="There is no file at"):
        read_keyed_hdf5({"appearance": (tmp_path / "no.h5", "")})
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="is not an HDF5 file, or is damaged"):
        read_keyed_hdf5({"appearance": (path, "")})


@pytest.fixture
def nested(tmp_path):
    """``/resnet/YouTubeClips/ID``, as several public feature files hold their arrays."""
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for name, streams in VIDEOS.items():
            for stream, value in streams.items():
                file[f"{stream}/YouTubeClips/{name}"] = value
    return tmp_path / "x.h5"


def test_nested_groups_are_read_by_their_path(nested):
    one, other = read_keyed_hdf5(
        {"appearance": (nested, "resnet/YouTubeClips"), "motion": (nested, "/c3d/YouTubeClips/")}
    )
    assert (one.id, other.id) == ("a", "b.c")
    assert np.array_equal(other.appearance.numpy(), VIDEOS["b.c"]["resnet"])
    assert np.array_equal(other.motion.numpy(), VIDEOS["b.c"]["c3d"])


def test_a_group_of_groups_is_refused_with_the_path_that_works(nested):
    with pytest.raises(DataError, match="'/resnet/YouTubeClips' with 2 members") as caught:
        read_keyed_hdf5({"appearance": (nested, "resnet")})
    assert "such as 'resnet/YouTubeClips'" in str(caught.value)
    assert len(read_keyed_hdf5({"appearance": (nested, "resnet/YouTubeClips")})) == 2


def test_an_array_named_as_a_group_and_keys_of_one_video(nested):
    with pytest.raises(DataError, match="'/resnet/YouTubeClips/a' is an array, not a group"):
        read_keyed_hdf5({"appearance": (nested, "resnet/YouTubeClips/a")})
    with h5py.File(nested, "a") as file:
        file["resnet/YouTubeClips/a.mp4"] = np.ones(3)
    with pytest.raises(DataError, match=r"a' and '/resnet/YouTubeClips/a.mp4' are both of the video 'a'"):
        read_keyed_hdf5({"appearance": (nested, "resnet/YouTubeClips")})


def test_folders_in_keys_are_part_of_the_id(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["a.mp4"], file["sub/a.mp4"] = np.ones(3), np.ones(3)
    assert read_keyed_hdf5({"appearance": (tmp_path / "x.h5", "")}).ids == ("a", "sub/a")


def test_links_to_other_files_are_not_followed(nested, tmp_path):
    with h5py.File(tmp_path / "y.h5", "w") as file:
        file["resnet/a"] = h5py.ExternalLink(str(nested), "/resnet/YouTubeClips/a")
        file["resnet/b"] = np.ones(3)
    with pytest.raises(DataError, match="'a' is a link to another file, .*x.h5; import that file"):
        read_keyed_hdf5({"appearance": (tmp_path / "y.h5", "resnet")})


@pytest.mark.parametrize("name", ["a\nb", "\u202etxt"])
def test_keys_that_are_no_ids_are_shown_escaped(tmp_path, name):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file[name] = np.ones(3)
    with pytest.raises(DataError, match=r"x.h5: the video id '.*\\.*' has a"):
        read_keyed_hdf5({"appearance": (tmp_path / "x.h5", "")})


def test_links_within_a_file_are_followed_but_not_through_one_to_another(tmp_path):
    path, other, numbers = (
        tmp_path / "x.h5",
        tmp_path / "other.h5",
        np.arange(6, dtype=np.float32).reshape(2, 3),
    )
    with h5py.File(other, "w") as file:
        file["secret/a"] = numbers
    with h5py.File(path, "w") as file:
        file["there/a"] = numbers
        file["here/a"] = h5py.SoftLink("/there/a")
        file["out/a"] = h5py.SoftLink("/outside/a")
        file["outside"] = h5py.ExternalLink("other.h5", "secret")
        file["loop/a"] = h5py.SoftLink("/loop/b")
        file["loop/b"] = h5py.SoftLink("a")
    (video,) = read_keyed_hdf5({"appearance": (path, "here")})
    assert video.appearance.tolist() == numbers.tolist()
    with pytest.raises(DataError, match="link to another file, other.h5"):
        list(read_keyed_hdf5({"appearance": (path, "out")}))
    with pytest.raises(DataError, match="links that lead to each other"):
        list(read_keyed_hdf5({"appearance": (path, "loop")}))


@pytest.mark.parametrize("kind", ["virtual", "external"])
def test_values_in_another_file_are_refused(tmp_path, kind):
    path, other = tmp_path / "x.h5", tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["a"] = np.ones((2, 3), np.float32)
    with h5py.File(path, "w") as file:
        if kind == "virtual":
            layout = h5py.VirtualLayout((2, 3), np.float32)
            layout[:] = h5py.VirtualSource(str(other), "a", (2, 3))
            file.create_virtual_dataset("a", layout)
        else:
            file.create_dataset("a", (2, 3), np.float32, external=[(str(other), 0, 24)])
    with pytest.raises(DataError, match="has its values in another file"):
        list(read_keyed_hdf5({"appearance": (path, "")}))


def _virtual(file):
    layout = h5py.VirtualLayout(shape=(3, 2), dtype="f4")
    layout[...] = h5py.VirtualSource(".", "/x/a", shape=(3, 2))
    file.create_virtual_dataset("x/a", layout)


HOSTILE = {
    "virtual": (_virtual, "has its values in another file"),  # of this dataset itself, at which HDF5 crashes
    "huge": (
        lambda file: file.create_dataset("x/a", (2**40, 2), "f4", chunks=(64, 2)),
        "claims 8796093022208 bytes, more than its file of .* bytes can hold",
    ),
    "large chunk": (
        lambda file: file.create_dataset("x/a", (2**28, 2), "f4", chunks=(2**28, 2)),
        "claims .* bytes, more than its file",
    ),
    "references": (
        lambda file: file.create_dataset("x/a", (3, 2), h5py.ref_dtype),
        "must be numbers, got object",
    ),
    "texts": (
        lambda file: file.create_dataset("x/a", (3, 2), h5py.string_dtype()),
        "must be numbers, got object",
    ),
    "empty": (lambda file: file.create_dataset("x/a", dtype="f4"), "must be numbers"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_arrays_that_are_not_plain_numbers_of_this_file_are_refused_before_they_are_read(tmp_path, name):
    make, says = HOSTILE[name]
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        make(file)
    with pytest.raises(DataError, match=f"Video 'a': 'appearance' cannot be read: .*'x/a' {says}"):
        list(read_keyed_hdf5({"appearance": (path, "x")}))


@pytest.mark.parametrize("sign", [b"HEAP", b"SNOD", b"TREE"])
def test_a_damaged_group_is_an_error_that_names_the_file(tmp_path, sign):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver="earliest") as file:
        file["x/a"] = np.ones((3, 2), np.float32)
    content = path.read_bytes()
    assert sign in content
    path.write_bytes(content.replace(sign, b"????"))
    with pytest.raises(DataError, match="x.h5 is not an HDF5 file, or is damaged .*; write it again"):
        list(read_keyed_hdf5({"appearance": (path, "x")}))
