import tracemalloc

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
    with pytest.raises(DataError, match="a.npy is an archive of arrays"):
        list(read_npy_folders(places(folder)))


@pytest.mark.parametrize("header", [b"\2\0\xff\xff\xff\x7f", b"\xff\xff\xff\xff\xff\xff", b"\1\xff\xff\xff"])
def test_a_header_that_claims_gigabytes_takes_no_memory(folder, header):
    path = folder / "c3d" / "a.npy"
    path.write_bytes(b"\x93NUMPY" + header + b"{'descr': '<f8'")
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="'motion' cannot be read: .*a.npy has a damaged header"):
            list(read_npy_folders(places(folder)))
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_folder_without_features(tmp_path, name):
    with pytest.raises(MissingDataError, match="No ID.npy files in"):
        read_npy_folders({"appearance": tmp_path / name})


def test_hidden_files_of_macos_are_no_videos(folder):
    (folder / "resnet" / "._a.npy").write_bytes(b"\0\5\x16\7Mac OS X")
    (folder / "c3d" / ".DS_Store").write_bytes(b"\0")
    assert [video.id for video in read_npy_folders(places(folder))] == ["a", "b.c"]


def test_subfolders_are_part_of_the_id_unless_they_are_another_stream(folder):
    for name in ("resnet", "c3d"):
        (folder / name / "sub").mkdir()
        np.save(folder / name / "sub" / "a.npy", np.ones(3))
    assert read_npy_folders(places(folder)).ids == ("a", "b.c", "sub/a")
    (folder / "resnet" / "c3d").symlink_to(folder / "c3d")
    (folder / "c3d").rename(folder / "other")
    (folder / "resnet" / "c3d").unlink()
    (folder / "other").rename(folder / "resnet" / "c3d")
    inner = {"appearance": folder / "resnet", "motion": folder / "resnet" / "c3d"}
    assert read_npy_folders(inner).ids == ("a", "b.c", "sub/a")


HEADER = b"\x93NUMPY\x01\x00"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not an array", "is not a .npy file"),
        (b"PK\3\4rest", "is an archive of arrays"),
        (HEADER, "has a damaged header"),
        (HEADER + b"\x10\0" + b"{'shape': (1,)}\n", "has a damaged header"),
        (b"\x93NUMPY\x09\x09" + b"\x10\0" + b"x" * 16, "has a damaged header"),
        ("object", "holds Python objects, which can run code"),
        ("huge", r"should hold float64 \[1000000000000\] but has 0 bytes"),
    ],
)
def test_no_message_advises_to_unpickle_and_nothing_huge_is_allocated(folder, content, words):
    path = folder / "c3d" / "a.npy"
    if content == "object":
        np.save(path, np.array([{}]), allow_pickle=True)
    elif content == "huge":
        header = {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        list(read_npy_folders(places(folder)))
    assert "pickle" not in str(caught.value).replace("unpickle", "")
