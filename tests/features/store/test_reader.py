import json
import multiprocessing
import os
import pickle
import shutil
import warnings
from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch

from stgraph.errors import DataError, MissingDataError, StoreError, UnknownVideoError
from stgraph.features import FeatureStore
from stgraph.features.store.arrays import ChunkedArray, ContiguousArray
from tests.features.store.samples import LABELS, assert_equal, assert_same, random_video, records, write

VIDEOS = [random_video(seed) for seed in (3, 1, 2)]


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "store.h5", VIDEOS)


def test_what_a_store_says_of_itself(path):
    store = FeatureStore(path)
    assert store.ids == ("video3", "video1", "video2")  # in the order of writing
    assert list(store) == ["video3", "video1", "video2"]
    assert len(store) == 3
    assert "video1" in store
    assert "video9" not in store
    assert store.extractors == records()
    assert store.label_names == LABELS
    assert store.widths == {"appearance": 4, "motion": 6, "object": 5, "grid/cells": 3}
    assert store.num_frames("video1") == 3


def test_only_the_streams_asked_for_are_read(path, monkeypatch):
    store = FeatureStore(path)
    arrays = store.shards()[0].arrays
    for name in ("clip/motion", "object/feature", "object/box"):
        arrays[name] = None  # reading it would fail
    video = store.read("video1", streams=("appearance",))
    assert_equal(video.appearance, VIDEOS[1].appearance)
    assert video.motion is None
    assert video.detections is None
    assert video.grids == {}
    assert_equal(
        store.read("video1", streams=["grid/cells"]).grids["cells"].values, VIDEOS[1].grids["cells"].values
    )
    assert store.read("video1", streams=()).num_frames == 3


def test_unknown_video_names_the_nearest(path):
    with pytest.raises(
        UnknownVideoError, match=r"^No video 'vidoe2' among the 3 of .*; the nearest id is 'video2'\.$"
    ):
        FeatureStore(path)["vidoe2"]


def test_stream_that_the_store_lacks(tmp_path):
    store = FeatureStore(write(tmp_path / "store.h5", [random_video(0, streams=("object",))], ("object",)))
    with pytest.raises(MissingDataError, match="no stream 'motion', only object"):
        store.read("video0", streams=("motion",))


def test_nothing_is_opened_before_the_first_use(tmp_path):
    store = FeatureStore(tmp_path / "later.h5")
    with pytest.raises(MissingDataError, match="No feature store at .*later.h5"):
        len(store)
    write(tmp_path / "later.h5", VIDEOS)
    assert len(store) == 3


def test_folder_without_shards(tmp_path):
    with pytest.raises(MissingDataError, match="No shards"):
        len(FeatureStore(tmp_path))


def test_tensors_can_be_written_to_and_leave_the_file_alone(path):
    before = path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # torch warns about tensors in read-only memory
        video = FeatureStore(path)["video1"]
        video.appearance.zero_()
        video.detections.boxes.zero_()
    assert path.read_bytes() == before
    assert_same(FeatureStore(path)["video1"], VIDEOS[1])


def read_in_worker(store, video_id):
    return store[video_id].appearance.tolist()


@pytest.mark.parametrize(("start", "chunks"), [("spawn", False), ("fork", False), ("fork", True)])
def test_opened_store_goes_to_workers(path, start, chunks):
    if chunks:
        rewrite(path, chunks=True, compression="gzip")
    store = FeatureStore(path)
    store["video1"]
    with multiprocessing.get_context(start).Pool(2) as pool:
        jobs = [pool.apply_async(read_in_worker, (store, video.id)) for video in VIDEOS * 3]
        assert [job.get(60) for job in jobs] == [video.appearance.tolist() for video in VIDEOS * 3]
    assert_same(store["video1"], VIDEOS[1])


def test_forked_child_opens_the_files_for_itself(path, monkeypatch):
    store = FeatureStore(path)
    mine = store.shards()
    monkeypatch.setattr("os.getpid", lambda: -7)
    assert store.shards()[0] is not mine[0]


def test_pickled_store_carries_no_handles(path):
    store = FeatureStore(path)
    closed = len(pickle.dumps(store))
    store["video1"]
    assert len(pickle.dumps(store)) == closed
    assert_same(pickle.loads(pickle.dumps(store))["video1"], VIDEOS[1])


def rewrite(path, **options):
    """Rewrites the arrays as another program might store them."""
    with h5py.File(path) as old, h5py.File(path.with_suffix(".new"), "w") as new:
        new.attrs.update(old.attrs)

        def copy(name, item):
            if isinstance(item, h5py.Dataset):
                new.create_dataset(name, data=item[:], dtype=item.dtype, **options)

        old.visititems(copy)
    path.with_suffix(".new").rename(path)


def test_arrays_of_stgraph_are_read_from_the_file_and_chunked_ones_through_h5py(path):
    arrays = FeatureStore(path).shards()[0].arrays
    assert {type(array) for name, array in arrays.items() if not name.startswith("video/")} == {
        ContiguousArray
    }
    rewrite(path, chunks=True, compression="gzip")
    store = FeatureStore(path)
    assert isinstance(store.shards()[0].arrays["object/feature"], ChunkedArray)
    for video in VIDEOS:
        assert_same(store[video.id], video)


def test_array_that_is_not_aligned_is_read(path):
    with h5py.File(path) as file:
        contents = {name: file[name][:] for name in ("object/box", "object/score")}
    with h5py.File(path, "a") as file:
        for name, values in contents.items():
            del file[name]
            file["pad" + name.replace("/", "")] = np.zeros(3, np.uint8)
            file[name] = values
    for video in VIDEOS:
        assert_same(FeatureStore(path)[video.id], video)


@pytest.mark.parametrize("keep", [0, 100, 2000, -1])
def test_truncated_file(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(
        StoreError, match="cannot be opened as HDF5 .* truncated or not an HDF5 file; write it again"
    ):
        FeatureStore(path)["video1"]


def test_file_of_another_format_or_version(path, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["features"] = [1.0]
    with pytest.raises(StoreError, match="HDF5 but not a feature store"):
        FeatureStore(tmp_path / "other.h5").ids
    with h5py.File(path, "a") as file:
        file.attrs["version"] = 3
    with pytest.raises(StoreError, match="of version 3, this stgraph reads 1 to 2; update stgraph"):
        FeatureStore(path).ids


def break_attribute(file):
    file.attrs["extractors"] = json.dumps({"object": {"name": "x"}})


def break_array(file):
    del file["object/score"]


def break_pointer(file):
    file["object_ptr"][-1] += 1


def break_fall(file):
    file["frame_ptr"][1] = 7


def break_ids(file):
    file["video/id"][2] = "video1"
    del file.attrs["checksums"]


@pytest.mark.parametrize(
    ("damage", "error", "words"),
    [
        (break_attribute, StoreError, "extractor record must be JSON with its four fields"),
        (break_array, StoreError, "'object/score' is missing, an array of the format"),
        (
            break_pointer,
            StoreError,
            "'object_ptr' ends at 16, but .* has 15 rows. Run 'stgraph store validate",
        ),
        (break_fall, StoreError, "'frame_ptr' falls from 7 to 6 at entry 1"),
        (break_ids, DataError, "Video 'video1' is in .* and in"),
    ],
)
def test_damaged_file(path, damage, error, words):
    with h5py.File(path, "a") as file:
        damage(file)
    with pytest.raises(error, match=words):
        FeatureStore(path).ids


def test_shards_that_do_not_agree(tmp_path):
    path = write(tmp_path / "store", VIDEOS[:2], videos_per_shard=1)
    write(tmp_path / "wide.h5", [random_video(5, width=6)])
    shutil.copy(tmp_path / "wide.h5", path / "shard-00002.h5")
    with pytest.raises(
        DataError, match=r"'object/feature' has rows of \[5\] up to video 'video1' and of \[6\] from .*5"
    ):
        FeatureStore(path).ids
    write(tmp_path / "other.h5", [random_video(5)], label_names=("cow",) * 3)
    shutil.copy(tmp_path / "other.h5", path / "shard-00002.h5")
    with pytest.raises(DataError, match=r"shard-00002.h5 has other label names"):
        FeatureStore(path).ids


def test_unknown_times_stay_unknown(tmp_path):
    video = random_video(0)
    nowhen = torch.full((3,), torch.nan)
    video = replace(
        video, frame_time=nowhen, fps=float("nan"), detections=replace(video.detections, time=None)
    )
    read = FeatureStore(write(tmp_path / "store.h5", [video]))["video0"]
    assert read.frame_time.isnan().all()
    assert read.fps != read.fps
    assert read.detections.time is None


def test_shards_are_read_in_the_order_of_their_numbers(tmp_path):
    path = write(tmp_path / "store", VIDEOS[:2], videos_per_shard=1)
    (path / "shard-00000.h5").rename(path / "shard-100000.h5")
    (path / "captions.json").write_text("{}")
    assert FeatureStore(path).ids == ("video1", "video3")


@pytest.mark.parametrize("length", [1, 3, 300])
def test_ids_of_any_length(tmp_path, length):
    videos = [random_video(seed, name=f"é{seed}".ljust(length, "x")) for seed in range(9)]
    assert FeatureStore(write(tmp_path / "store.h5", videos)).ids == tuple(video.id for video in videos)
    assert FeatureStore(write(tmp_path / "none.h5", [])).ids == ()


def test_a_store_that_is_replaced_while_it_is_opened_is_the_old_or_the_new_one(path, tmp_path, monkeypatch):
    """HDF5 and the memory map must see the same file: the offsets of one are those of other videos in the other."""
    others = [random_video(seed, counts=(5, 5)) for seed in (7, 8, 9)]
    other = write(tmp_path / "other.h5", others)
    real = h5py.File

    def open_and_replace(*arguments, **options):
        file = real(*arguments, **options)
        if other.exists():
            other.rename(path)
        return file

    monkeypatch.setattr(h5py, "File", open_and_replace)
    store = FeatureStore(path)
    for video in VIDEOS:
        assert_same(store[video.id], video)
    assert FeatureStore(path).ids == tuple(video.id for video in others)


def test_a_file_that_is_cut_off_while_it_is_open_is_an_error_and_no_signal(path):
    """A mapped array would end the process by SIGBUS."""
    store = FeatureStore(path)
    ids, size = store.ids, path.stat().st_size
    os.truncate(path, size // 4)
    with pytest.raises(StoreError, match="was cut off while it was open; write it again"):
        for video in ids:
            store[video]


def test_rows_are_read_without_preadv_as_with_it(path, monkeypatch):
    store = FeatureStore(path)
    monkeypatch.delattr(os, "preadv")
    for video in VIDEOS:
        assert_same(store[video.id], video)


@pytest.mark.skipif(not hasattr(os, "O_NONBLOCK"), reason="Windows has no such limit")
@pytest.mark.parametrize("more", [True, False])
def test_store_of_more_files_than_a_process_may_open(tmp_path, monkeypatch, more):
    import resource

    path = write(
        tmp_path / "store", [random_video(seed, name=f"v{seed}") for seed in range(6)], videos_per_shard=1
    )
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not more:
        monkeypatch.setattr("stgraph.features.store.opening._allow_more_files", lambda: False)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 3, hard))
    try:
        if more:
            assert len(FeatureStore(path)) == 6
        else:
            with pytest.raises(StoreError, match="ulimit -n"):
                len(FeatureStore(path))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
