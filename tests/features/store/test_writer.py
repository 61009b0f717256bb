import errno
import os
import resource
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest
import torch

from stgraph.errors import DataError, OptionError, StoreError
from stgraph.features import FeatureStore, FeatureStoreWriter, GridFeatures
from stgraph.features.store import validate
from tests.features.store.samples import LABELS, STREAMS, assert_same, random_video, record, records, write

RAGGED = [
    random_video(0),
    random_video(1, counts=(0, 0, 0, 0)),
    random_video(2, counts=(1,), clips=1),
    random_video(3, counts=(0, 7), clips=0),
    random_video(4, counts=(3, 1, 0, 0, 2), clips=5),
]


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["store.h5", "store"])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_all_kinds_of_videos_come_back_bit_by_bit(tmp_path, name, dtype):
    store = FeatureStore(write(tmp_path / name, RAGGED, dtype=dtype))
    assert store.ids == tuple(video.id for video in RAGGED)
    for video in RAGGED:
        assert_same(store[video.id], video)
    assert validate(store.path) == []


@pytest.mark.parametrize(
    "streams", [("appearance",), ("object",), ("motion",), ("grid/cells",), ("object", "motion"), ()]
)
def test_streams_that_no_video_has_are_not_there(tmp_path, streams):
    video = random_video(0, streams=streams)
    store = FeatureStore(write(tmp_path / "store.h5", [video], streams))
    assert set(store.extractors) == set(streams)
    assert_same(store[video.id], video)
    assert validate(store.path) == []


def test_float16_rounds_and_float32_does_not(tmp_path):
    video = replace(random_video(0, streams=("appearance",)), appearance=torch.full((3, 4), 1 / 3))
    half = FeatureStore(write(tmp_path / "half.h5", [video], ("appearance",)))[video.id].appearance
    whole = FeatureStore(write(tmp_path / "whole.h5", [video], ("appearance",), dtype="float32"))[
        video.id
    ].appearance
    assert torch.equal(half, video.appearance.half().float())
    assert torch.equal(whole, video.appearance)


def test_store_of_no_videos_and_of_no_objects_at_all(tmp_path):
    assert len(FeatureStore(write(tmp_path / "none.h5", []))) == 0
    assert len(FeatureStore(write(tmp_path / "none", []))) == 0
    bare = [random_video(seed, counts=(0, 0)) for seed in range(2)]
    store = FeatureStore(write(tmp_path / "bare.h5", bare))
    assert store["video1"].detections.features.shape == (0, 5)
    assert store.widths["object"] == 5


def test_shards_hold_so_many_videos_each_and_append_goes_on_behind_them(tmp_path):
    path = write(tmp_path / "store", RAGGED[:3], videos_per_shard=2)
    assert names_in(path) == ["shard-00000.h5", "shard-00001.h5"]
    before = [(path / name).stat().st_mtime_ns for name in names_in(path)]
    write(path, RAGGED[3:], videos_per_shard=2, append=True)
    assert names_in(path) == ["shard-00000.h5", "shard-00001.h5", "shard-00002.h5"]
    assert [(path / name).stat().st_mtime_ns for name in names_in(path)[:2]] == before
    assert FeatureStore(path).ids == tuple(video.id for video in RAGGED)


@pytest.mark.parametrize("name", ["store.h5", "store"])
def test_append_skips_what_is_there(tmp_path, name):
    path = tmp_path / name
    for _ in range(2):
        with FeatureStoreWriter(path, extractors=records(), label_names=LABELS, append=True) as writer:
            for video in RAGGED:
                if video.id not in writer.done_ids:
                    writer.add(video)
    files = [path] if path.is_file() else sorted(path.iterdir())
    first = [file.stat().st_ino for file in files]
    write(path, [], append=True)  # without new videos nothing is written
    assert [file.stat().st_ino for file in files] == first
    write(path, [random_video(9)], append=True)
    store = FeatureStore(path)
    for video in [*RAGGED, random_video(9)]:
        assert_same(store[video.id], video)


def test_open_store_still_reads_after_an_append_and_a_new_one_sees_it(tmp_path):
    path = write(tmp_path / "store.h5", RAGGED[:1])
    store = FeatureStore(path)
    assert_same(store["video0"], RAGGED[0])
    write(path, RAGGED[1:2], append=True)
    assert_same(store["video0"], RAGGED[0])
    assert FeatureStore(path).ids == ("video0", "video1")


def test_a_store_that_is_there_is_not_overwritten(tmp_path):
    for name in ("store.h5", "store"):
        path = write(tmp_path / name, RAGGED[:1])
        with pytest.raises(StoreError, match="already; pass append=True"):
            write(path, RAGGED[1:2])
        assert FeatureStore(path).ids == ("video0",)


def write_then_fail(path, videos, error, **options):
    with FeatureStoreWriter(path, extractors=records(), label_names=LABELS, **options) as writer:
        for video in videos:
            writer.add(video)
        raise error


@pytest.mark.parametrize("name", ["store.h5", "store"])
@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_exception_leaves_nothing_half_written(tmp_path, name, error):
    with pytest.raises(error):
        write_then_fail(tmp_path / name, RAGGED[:1], error)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    path = write(tmp_path / name, RAGGED[:1])
    with pytest.raises(error):
        write_then_fail(path, RAGGED[1:2], error, append=True)
    assert FeatureStore(path).ids == ("video0",)


KILLED = """
    import os, signal, sys
    from tests.features.store.samples import random_video, records
    from stgraph.features import FeatureStoreWriter

    path, when = sys.argv[1:]
    if when == "while renaming":
        replace, calls = os.replace, []
        def die(source, target):
            calls.append(target)
            if len(calls) == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            replace(source, target)
        os.replace = die
    with FeatureStoreWriter(path, extractors=records(), videos_per_shard=2) as writer:
        for seed in range(9):
            if when == "while adding" and seed == 5:
                os.kill(os.getpid(), signal.SIGKILL)
            writer.add(random_video(seed))
"""


@pytest.mark.parametrize("when", ["while adding", "while renaming"])
def test_killed_writer_leaves_whole_shards_and_a_second_run_finishes(tmp_path, when):
    path = tmp_path / "store"
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(KILLED), str(path), when], check=False)
    assert run.returncode == -signal.SIGKILL
    assert FeatureStore(path).ids == ("video0", "video1", "video2", "video3")
    assert validate(path) == []
    with FeatureStoreWriter(path, extractors=records(), videos_per_shard=2, append=True) as writer:
        for seed in range(9):
            if f"video{seed}" not in writer.done_ids:
                writer.add(random_video(seed))
    store = FeatureStore(path)
    assert store.ids == tuple(f"video{seed}" for seed in range(9))
    for seed in range(9):
        assert_same(store[f"video{seed}"], random_video(seed))
    assert names_in(path) == [f"shard-{number:05d}.h5" for number in range(5)]
    assert names_in(tmp_path) == ["store"]


def test_second_writer_is_refused_while_the_first_is_at_work(tmp_path):
    path = tmp_path / "store"
    mine = f"being written by process {os.getpid()} on this machine"
    with FeatureStoreWriter(path, extractors=records()), pytest.raises(StoreError, match=mine):
        write(path, RAGGED[:1])
    assert write(path, RAGGED[:1], append=True, label_names=()) == path


def test_writer_outside_of_its_block_says_so(tmp_path):
    with pytest.raises(StoreError, match="'with' block"):
        FeatureStoreWriter(tmp_path / "store.h5", extractors=records()).add(RAGGED[0])


@pytest.mark.parametrize("name", ["store.h5", "store"])
def test_no_room_on_the_disk(tmp_path, name):
    """Makes a write fail: the kernel refuses files above 64 kB, as it would on a full disk."""
    path = write(tmp_path / name, [random_video(0)], label_names=())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    try:
        with pytest.raises(
            StoreError, match=r"No room left for .*store.*; nothing of it was kept: free some space"
        ):
            write(path, [random_video(1, counts=(900,) * 20)], label_names=(), append=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert FeatureStore(path).ids == ("video0",)
    assert [file.name for file in tmp_path.rglob(".*")] == []


def test_no_room_for_the_rows_in_wait(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("stgraph.features.store.row_buffer.RowBuffer.add", full)
    with pytest.raises(StoreError, match="No room left"):
        write(tmp_path / "store.h5", RAGGED[:1])
    assert names_in(tmp_path) == []


def test_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be written \(File exists\)"):
        write(tmp_path / "file" / "store.h5", RAGGED[:1])


def test_name_that_asks_for_a_file_where_a_folder_is_and_the_other_way_round(tmp_path):
    (tmp_path / "store.h5").mkdir()
    (tmp_path / "store").write_text("")
    for name, what in (("store.h5", "folder"), ("store", "file")):
        with pytest.raises(StoreError, match=f"is a {what}; a store of one file ends in .h5"):
            write(tmp_path / name, RAGGED[:1])
    assert names_in(tmp_path) == ["store", "store.h5"]


def test_rows_beyond_memory_wait_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("stgraph.features.store.row_buffer.SLICE_BYTES", 256)
    monkeypatch.setattr("stgraph.features.store.shard.SLICE_BYTES", 256)
    path = write(tmp_path / "store.h5", RAGGED[:3])
    store = FeatureStore(write(path, RAGGED[3:], append=True))
    for video in RAGGED:
        assert_same(store[video.id], video)


def rejects(video, words, error=DataError, **options):
    """Returns a check that a writer refuses ``video`` and keeps the valid videos before and after it."""

    def check(tmp_path):
        path = tmp_path / "store.h5"
        given = {"extractors": records(), "label_names": LABELS} | options
        with FeatureStoreWriter(path, **given) as writer:
            writer.add(random_video(0))
            with pytest.raises(error, match=words):
                writer.add(video)
            writer.add(random_video(1))
        store = FeatureStore(path)
        assert_same(store["video0"], random_video(0))
        assert_same(store["video1"], random_video(1))
        assert len(store) == 2

    return check


odd = random_video(5)
labels_beyond = replace(odd.detections, labels=torch.full((5,), 3))
BAD = {
    "id twice": rejects(random_video(0), "'video0' is in .* already"),
    "stream missing": rejects(
        random_video(5, streams=("appearance",)), "'video5' has the streams 'appearance', the"
    ),
    "wider objects": rejects(
        random_video(5, width=6), r"'video5': 'object/feature' has rows of \[6\], .* of \[5\]"
    ),
    "wider frames": rejects(
        replace(odd, appearance=torch.zeros(3, 9)), r"'frame/appearance' has rows of \[9\]"
    ),
    "more cells": rejects(
        replace(odd, grids={"cells": GridFeatures(torch.zeros(2, 5, 3), torch.zeros(2))}),
        r"rows of \[5, 3\], .* \[4, 3\]",
    ),
    "NaN in a grid": rejects(
        replace(odd, grids={"cells": GridFeatures(torch.full((2, 4, 3), torch.nan), torch.zeros(2))}),
        "'video5': 'grid/cells/feature' has NaN or infinity in row 0",
    ),
    "beyond float16": rejects(
        replace(odd, appearance=torch.tensor([[1.0], [7e4], [2.0]]).expand(3, 4)),
        r"'video5': 'frame/appearance' holds 7e\+04 in row 1 .* beyond float16; .* dtype='float32'",
    ),
    "label without a name": rejects(
        replace(odd, detections=labels_beyond), "'video5' has label 3, but there are 3"
    ),
    "id of no name": rejects(replace(odd, id=""), "must not be empty"),
    "id with a zero": rejects(replace(odd, id="a\0b"), "has a control character"),
    "other size": rejects(replace(odd, size=(61, 80)), r"'video5' is of \(height, width\) \(61, 80\)"),
    "other frames": rejects(
        replace(odd, frame_index=torch.tensor([0, 1, 2])), "'frame_index' of the detections"
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_video_that_does_not_fit_is_refused_and_the_others_kept(tmp_path, name):
    BAD[name](tmp_path)


def test_float32_store_takes_large_values(tmp_path):
    video = replace(random_video(0), appearance=torch.full((3, 4), 7e4))
    assert_same(FeatureStore(write(tmp_path / "store.h5", [video], dtype="float32"))["video0"], video)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"extractors": records() | {"motion": record("motion", weights="xyz")}},
            "'motion' of another extractor: weights 'abc' and 'xyz'",
        ),
        (
            {"extractors": records(("appearance",))},
            "other streams: only one of the two has grid/cells, motion, object",
        ),
        ({"label_names": ("cat", "cow", "person")}, "label 1 is 'dog' and 'cow'"),
        ({"label_names": ("cat", "dog")}, "label 2 is 'person' and None"),
        ({"dtype": "float32"}, "features of float32 instead of float16|features of float16"),
    ],
)
def test_append_of_another_make_is_refused(tmp_path, options, words):
    path = write(tmp_path / "store", RAGGED[:1])
    with pytest.raises(DataError, match=words):
        write(path, [random_video(9)], append=True, **options)
    assert FeatureStore(path).ids == ("video0",)


def test_append_of_another_width_is_refused(tmp_path):
    for name in ("store", "store.h5"):
        path = write(tmp_path / name, RAGGED[:1])
        with pytest.raises(DataError, match=r"'video9': 'object/feature' has rows of \[6\]"):
            write(path, [random_video(9, width=6)], append=True)


@pytest.mark.parametrize(
    ("path", "options", "words"),
    [
        ("a.h5", {"videos_per_shard": 3}, "None for a store of one file"),
        ("a", {"videos_per_shard": 0}, "at least 1"),
        ("a", {"dtype": "float64"}, "'dtype' must be one of"),
        ("a", {"extractors": {"audio": record()}}, "'audio' is not a stream"),
        ("a", {"extractors": {"grid/a/b": record()}}, "'grid/a/b' is not a stream"),
    ],
)
def test_options_that_cannot_be(tmp_path, path, options, words):
    with pytest.raises(OptionError, match=words):
        FeatureStoreWriter(tmp_path / path, **({"extractors": records(STREAMS)} | options))
