"""The rule of ids, and that extraction, captions, splits and importers all follow it."""

import json
import os
import unicodedata

import h5py
import numpy as np
import pytest

from stgraph.datasets import read_own_captions
from stgraph.datasets.corpus.split_files import read_splits
from stgraph.errors import DataError, MissingDataError
from stgraph.extraction import VideoSource, find_videos
from stgraph.features.importers import read_hdf5_per_video, read_keyed_hdf5, read_npy_folders
from stgraph.video.ids import check_id, find_files, is_hidden, video_id_of
from stgraph.video.media_files import MEDIA_ENDINGS

COMPOSED = unicodedata.normalize("NFC", "Hörnchen")
DECOMPOSED = unicodedata.normalize("NFD", "Hörnchen")  # as macOS writes names
FILES = {
    "IMG_1.mov": "IMG_1",
    "img_1.mov": "img_1",
    "cat.gif": "cat",
    "a/cat.MP4": "a/cat",
    "v1.2.mp4": "v1.2",
    "mr. smith.avi": "mr. smith",
    "again.avi.mp4": "again",
    "mv89psg6zh4_33_46.m2ts": "mv89psg6zh4_33_46",
    f"{DECOMPOSED}.webm": COMPOSED,
}
OTHER_SPELLINGS = {
    " v1.npy ": "v1",
    "v1.mp4.npy": "v1",
    "./a/c.mts": "a/c",
    "a\\b.mp4": "a/b",
    "cat .mp4": "cat",
    "v1.2": "v1.2",
    "v1.mp4/": "v1.mp4/",  # a folder
    "v1.mp4/.": "v1.mp4/.",
    "": "",
}


@pytest.mark.parametrize(("name", "expected"), [*FILES.items(), *OTHER_SPELLINGS.items()])
def test_names_and_their_ids(name, expected):
    assert video_id_of(name) == expected
    assert video_id_of(video_id_of(name)) == expected  # the id of an id is the id


@pytest.fixture
def named(tmp_path):
    """The same names as videos, captions, splits and features in each layout."""
    for name in FILES:
        for folder, ending in (("videos", ""), ("npy", ".npy"), ("each", ".h5")):
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / f"{name}{ending}").touch()
        np.save(tmp_path / "npy" / f"{name}.npy", np.ones(3))
        with h5py.File(tmp_path / "each" / f"{name}.h5", "w") as file:
            file["x"] = np.ones(3)
    with h5py.File(tmp_path / "all.h5", "w") as file:
        for name in FILES:
            file[f"frames/{name}"] = np.ones(3)
    (tmp_path / "table.csv").write_text("id,caption\n" + "".join(f"{name},a dog\n" for name in FILES))
    (tmp_path / "captions.json").write_text(json.dumps({name: ["a dog"] for name in FILES}))
    (tmp_path / "splits.json").write_text(json.dumps({"train": list(FILES)}))
    return tmp_path


@pytest.mark.parametrize(
    "ids",
    [
        lambda folder: [source.id for source in find_videos(folder / "videos")[0]],
        lambda folder: read_own_captions(folder / "table.csv").captions,
        lambda folder: read_own_captions(folder / "captions.json").captions,
        lambda folder: read_splits(folder / "splits.json"),
        lambda folder: read_npy_folders({"appearance": folder / "npy"}).ids,
        lambda folder: read_hdf5_per_video(folder / "each", {"appearance": "x"}).ids,
        lambda folder: read_keyed_hdf5({"appearance": (folder / "all.h5", "frames")}).ids,
    ],
    ids=["extraction", "table", "JSON", "splits", "npy", "hdf5 per video", "keyed hdf5"],
)
def test_every_part_of_the_library_gives_a_video_the_same_id(named, ids):
    assert sorted(ids(named)) == sorted(FILES.values())


@pytest.mark.parametrize("ending", sorted(MEDIA_ENDINGS))
def test_every_ending_of_a_video_is_cut(ending):
    assert video_id_of(f"clip{ending}") == video_id_of(f"clip{ending.upper()}") == "clip"


BAD = {
    "empty": ("", "must not be empty"),
    "spaces": (" ", "must not be empty"),
    "NUL": ("a\0b", r"'a\\x00b' has a control character"),
    "newline": ("a\nb", r"'a\\nb' has a control character"),
    "escape sequence": ("\x1b[31mred", r"'\\x1b\[31mred' has a control character"),
    "line separator": ("a\u2028b", r"'a\\u2028b' has a control character"),
    "lone surrogate": ("a\udcffb", r"'a\\udcffb' has bytes that are not UTF-8"),
    "right-to-left override": ("a\u202eb", r"'a\\u202eb' has an invisible character"),
    "right-to-left mark": ("a\u200fb", r"'a\\u200fb' has an invisible character"),
    "zero-width space": ("a\u200bb", r"'a\\u200bb' has an invisible character"),
    "number": (7, "must be a string, got a int"),
}


@pytest.mark.parametrize("name", BAD)
def test_ids_that_are_refused_are_shown_escaped(name):
    value, words = BAD[name]
    with pytest.raises(DataError, match=words):
        check_id(value)
    with pytest.raises(DataError, match=rf"x.csv, line 3: .*{words}"):
        check_id(value, "x.csv, line 3")


@pytest.mark.parametrize("name", ["ein Hörnchen", "a/b", "-4wsuPCjDBc_5_15", "猫", "می‌روم", "👨‍👩‍👧", "عربي"])
def test_ids_of_any_script_are_allowed(name):
    assert check_id(name) == name


def test_hidden_and_system_files_are_left_out(tmp_path):
    kept = ["a/cat.mp4", "Thumbs.mp4", "x.y/.z/../b.mp4"]
    (tmp_path / "x.y" / ".z").mkdir(parents=True)
    for name in (*kept, "._cat.mp4", ".b.mp4", ".git/c.mp4", "__MACOSX/cat.mp4", "Thumbs.db", "@eaDir/d.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_files(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "Thumbs.mp4",
        "a/cat.mp4",
        "x.y/b.mp4",
    ]
    assert not any(is_hidden(path.relative_to(tmp_path)) for path in found)
    assert find_files(tmp_path / "x.y" / ".z") == []  # the folder itself may be hidden


def test_linked_folders_are_searched_once(tmp_path):
    (tmp_path / "far" / "deep").mkdir(parents=True)
    (tmp_path / "far" / "deep" / "cat.mp4").touch()
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "link").symlink_to(tmp_path / "far")
    (tmp_path / "far" / "back").symlink_to(tmp_path / "near")
    assert [source.id for source in find_videos(tmp_path / "near")[0]] == ["link/deep/cat"]


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    def walk(folder, onerror, **_):
        onerror(PermissionError(13, "Permission denied", str(folder / "secret")))

    monkeypatch.setattr(os, "walk", walk)
    with pytest.raises(MissingDataError, match="secret can't be read: Permission denied"):
        find_videos(tmp_path)


@pytest.mark.parametrize(
    "names", [("x.mp4", "x.MOV"), ("x.mp4", "x.avi.mp4"), (f"{COMPOSED}.mp4", f"{DECOMPOSED}.mp4")]
)
def test_two_videos_of_one_id_are_refused(tmp_path, names):
    for name in names:
        (tmp_path / name).touch()
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("this file system does not tell the two names apart")
    with pytest.raises(DataError, match="would both be the video .*; rename or remove one"):
        find_videos(tmp_path)


def test_the_same_name_in_two_folders_is_two_videos(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("a.mp4", "sub/a.mp4"):
        (tmp_path / name).touch()
    assert [source.id for source in find_videos(tmp_path)[0]] == ["a", "sub/a"]


def test_one_file_has_the_id_that_its_folder_gives_it(tmp_path):
    for name in ("v1.2.mp4", "noending.v2"):
        (tmp_path / name).touch()
    assert (
        find_videos(tmp_path / "v1.2.mp4")[0]
        == find_videos(tmp_path)[0]
        == [VideoSource("v1.2", tmp_path / "v1.2.mp4")]
    )
    assert find_videos(tmp_path / "noending.v2")[0][0].id == "noending.v2"
