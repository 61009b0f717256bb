import shutil

import h5py
import numpy as np
import pytest

from stgraph.errors import MissingDataError
from stgraph.features.store import validate
from tests.features.store.samples import random_video, write

VIDEOS = [
    random_video(0, counts=(2, 0, 3)),
    random_video(1, counts=(1, 2)),
    random_video(2, counts=(0, 4, 0)),
]


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "store.h5", VIDEOS)


def put(name, row, value):
    def damage(file):
        file[name][row] = value

    return damage


def replaced(name, make):
    def damage(file):
        values = make(file[name][:])
        del file[name]
        file[name] = values

    return damage


def removed(name):
    def damage(file):
        del file[name]

    return damage


def attribute(name, value):
    def damage(file):
        file.attrs[name] = value

    return damage


def no_frames(file):
    file["frame_ptr"][:] = [0, 3, 3, 8]
    file["frame/index"][:] = range(8)  # increasing in every video


# Rows: frames 0-2 | 3-4 | 5-7; objects 0-4 | 5-7 | 8-11; clips 0-1 | 2-3 | 4-5.
FAULTS = {
    "NaN": (
        put("object/feature", (6, 2), np.nan),
        "video1",
        "'object/feature' has NaN or infinity in row 1 (store.h5).",
    ),
    "infinity": (
        put("frame/appearance", (5, 0), np.inf),
        "video2",
        "'frame/appearance' has NaN or infinity in row 0 ",
    ),
    "many NaN": (
        put("clip/motion", slice(2, 4), np.nan),
        "video1",
        "'clip/motion' has NaN or infinity in row 0 and 1 more",
    ),
    "NaN grid": (
        put("grid/cells/feature", (3, 1, 1), np.nan),
        "video1",
        "'grid/cells/feature' has NaN or infinity in row 1",
    ),
    "NaN score": (put("object/score", 8, np.nan), "video2", "'object/score' has NaN or infinity in row 0"),
    "inverted": (
        put("object/box", 4, [9, 9, 5, 20]),
        "video0",
        "'object/box' must have x1 < x2 and y1 < y2, got [9.0, 9.0, 5.0,",
    ),
    "outside": (
        put("object/box", 9, [81, 0, 90, 9]),
        "video2",
        "'object/box' must overlap the image, got [81.0, 0.0, 90.0, 9.0] in row 1",
    ),
    "label": (put("object/label", 5, 3), "video1", "label 3 is not among the 3 label names, in row 0"),
    "unsorted frames": (
        put("frame/index", 4, 0),
        "video1",
        "'frame/index' must increase, got 1 and then 0 in row 0",
    ),
    "repeated frame": (
        put("frame/index", 7, 3),
        "video2",
        "'frame/index' must increase, got 3 and then 3 in row 1",
    ),
    "unsorted clips": (
        put("clip/start", 2, 40),
        "video1",
        "'clip/start' must increase, got 40 and then 16 in row 0",
    ),
    "frame beyond": (
        put("video/num_frames", 1, 4),
        "video1",
        "frame number 4 cannot be in a file of 4 frames",
    ),
    "no size": (put("video/height", 2, 0), "video2", "height 0 and width 80 must both be at least 1"),
    "id twice": (put("video/id", 2, "video0"), "video0", "is in "),
    "pointer falls": (put("object_ptr", 4, 9), "video1", "'object_ptr' falls from 9 to 8 at entry 4"),
    "pointer starts late": (put("frame_ptr", 0, 1), None, "'frame_ptr' must start at 0, got 1"),
    "pointer ends early": (
        put("clip_ptr", 3, 5),
        None,
        "'clip_ptr' ends at 5, but 'clip/start' has 6 rows",
    ),
    "short pointer": (
        replaced("clip_ptr", lambda old: old[:-1]),
        None,
        "'clip_ptr' has 3 entries and should have 4",
    ),
    "short array": (
        replaced("object/score", lambda old: old[:-1]),
        None,
        "'object_ptr' ends at 12, but 'object/score' has 11 rows",
    ),
    "no frames": (no_frames, "video1", "it has no frames"),
    "array missing": (removed("object/track"), None, "'object/track' is missing"),
    "pointer missing": (removed("grid/cells/ptr"), None, "'grid/cells/ptr' is missing"),
    "axes": (replaced("object/box", lambda old: old[:, :3]), None, "'object/box' has the axes [12, 3]"),
    "type": (
        replaced("frame/appearance", lambda old: old.astype("f4")),
        None,
        "'frame/appearance' is of type float32 and should be float16",
    ),
    "pointer of floats": (
        replaced("clip_ptr", lambda old: old.astype("f4")),
        None,
        "'clip_ptr' is of type float32 and should be int64",
    ),
    "newer": (attribute("version", 9), None, "is a feature store of version 9"),
    "no records": (attribute("extractors", "{"), None, "attributes cannot be read"),
    "other format": (attribute("format", "x"), None, "not a feature store (format 'x')"),
}


def test_good_store_has_no_problems(path, tmp_path):
    assert validate(path) == []
    assert validate(write(tmp_path / "folder", VIDEOS, videos_per_shard=1)) == []
    assert validate(write(tmp_path / "none.h5", [])) == []


@pytest.mark.parametrize("name", FAULTS)
def test_each_planted_fault_is_found_and_no_other(path, name):
    damage, video_id, words = FAULTS[name]
    with h5py.File(path, "a") as file:
        damage(file)
        del file.attrs["checksums"]  # which find every fault, but don't tell what it is
    problems = validate(path)
    assert problems, name
    assert problems[0].video_id == video_id
    assert words in problems[0].text
    assert {problem.video_id for problem in problems} == {video_id}
    assert str(problems[0]).startswith(f"Video '{video_id}': " if video_id else str(path))


def test_problems_of_several_videos_are_all_told(path):
    with h5py.File(path, "a") as file:
        for row in (0, 5, 11):
            file["object/feature"][row] = np.nan
        file["object/box"][8] = [5, 5, 5, 5]
    assert [problem.video_id for problem in validate(path)] == ["video0", "video1", "video2", "video2"]


def test_truncated_file(path):
    path.write_bytes(path.read_bytes()[:-9])
    (problem,) = validate(path)
    assert "truncated" in problem.text


def test_damaged_compressed_block(path):
    with h5py.File(path, "a") as file:
        values = file["object/feature"][:]
        del file["object/feature"]
        data = file.create_dataset("object/feature", data=values, chunks=True, compression="gzip")
        where = data.id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[where : where + 20] = b"\xff" * 20
    path.write_bytes(content)
    (problem,) = validate(path)
    assert "is damaged, HDF5 cannot read all of it" in problem.text


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "folder", VIDEOS, videos_per_shard=1)


def test_shard_that_is_gone(folder):
    (folder / "shard-00001.h5").unlink()
    (problem,) = validate(folder)
    assert "lacks shard 1" in problem.text


def test_truncated_shard_beside_good_ones(folder):
    (folder / "shard-00001.h5").write_bytes(b"\x89HDF")
    (problem,) = validate(folder)
    assert "shard-00001.h5 cannot be opened" in problem.text


def test_ids_widths_and_headers_over_shards(folder, tmp_path):
    shutil.copy(folder / "shard-00000.h5", folder / "shard-00003.h5")
    (problem,) = validate(folder)
    assert (problem.video_id, "shard-00000.h5 and in" in problem.text) == ("video0", True)
    shutil.copy(write(tmp_path / "wide.h5", [random_video(8, width=6)]), folder / "shard-00003.h5")
    (problem,) = validate(folder)
    assert "'object/feature' has rows of [5] in " in problem.text
    assert "of [6] in " in problem.text
    shutil.copy(
        write(tmp_path / "cow.h5", [random_video(8)], label_names=("cow",) * 3), folder / "shard-00003.h5"
    )
    (problem,) = validate(folder)
    assert "has other label names" in problem.text


def test_nothing_there(tmp_path):
    with pytest.raises(MissingDataError):
        validate(tmp_path / "store.h5")
