import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import stgraph
from stgraph.datasets.interactions import (
    GENERATOR_VERSION,
    SIZES,
    make_scene,
    prepare_interactions,
    preparing,
)
from stgraph.datasets.interactions import (
    worker_pool as pool,
)
from stgraph.datasets.interactions.worker_pool import generate_features, generate_in_processes
from stgraph.errors import OptionError, StgraphError
from stgraph.features.store import FeatureStore
from stgraph.features.video_features import VideoFeatures


@pytest.fixture
def three(monkeypatch):
    """A size of three videos, for tests of the folder rather than of what is in it."""
    monkeypatch.setitem(SIZES, "three", {"train": 1, "val": 1, "test": 1})
    return "three"


def assert_same(first: VideoFeatures, second: VideoFeatures) -> None:
    for name in ("appearance", "motion", "frame_index"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    for name in ("boxes", "scores", "features", "frame", "labels"):
        np.testing.assert_array_equal(getattr(first.detections, name), getattr(second.detections, name))


def test_the_folder_holds_a_store_captions_and_the_truth(tiny):
    assert tiny.name == f"tiny-seed0-v{GENERATOR_VERSION}"
    store, captions = FeatureStore(tiny / "store.h5"), json.loads((tiny / "captions.json").read_text())
    truth = np.load(tiny / "truth.npz")
    assert sorted(store.ids) == sorted(captions) == sorted(truth["id"].tolist())
    splits = [entry["split"] for entry in captions.values()]
    assert {split: splits.count(split) for split in SIZES["tiny"]} == SIZES["tiny"]
    assert store.label_names == ("red", "yellow", "green", "cyan", "blue", "purple")
    for row, name in enumerate(truth["id"].tolist()):
        assert captions[name]["category"] == truth["verb_names"][truth["verb"][row]]
    scene = make_scene(0, 3)
    np.testing.assert_allclose(truth["centre"][3, : len(scene.kinds)], scene.centre, rtol=1e-5)
    assert np.isnan(truth["centre"][3, len(scene.kinds) :]).all()


def test_stored_features_have_about_unit_spread_and_say_when(tiny):
    store = FeatureStore(tiny / "store.h5")
    videos = [store[name] for name in store.ids]
    for stream in ("appearance", "motion"):
        values = np.concatenate([getattr(video, stream).numpy() for video in videos])
        assert np.abs(values).max() < 15
        assert 0.25 < values.std(0).mean() < 2
    assert videos[0].frame_index.tolist() == [2, 6, 10, 14, 18, 22, 26, 30, 34, 38]
    assert videos[0].clip_start.tolist() == [0, 16, 32]
    assert videos[0].frame_time[1] == pytest.approx(0.75)
    assert videos[0].file_frames == 40


def test_the_number_of_processes_changes_nothing(monkeypatch):
    monkeypatch.setattr(pool, "_VIDEOS_PER_PROCESS", 5)
    alone, together = list(generate_features(4, range(11))), list(generate_in_processes(4, 11, workers=2))
    assert [video.id for video in alone] == [video.id for video in together]
    for first, second in zip(alone, together, strict=True):
        assert_same(first, second)


def test_a_second_call_finds_the_first_ones_work(three, tmp_path):
    steps = []
    folder = prepare_interactions(
        three, 1, cache=tmp_path, progress=lambda done, total: steps.append((done, total))
    )
    assert steps == [(1, 3), (2, 3), (3, 3)]
    before = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert (
        prepare_interactions(three, 1, cache=tmp_path, progress=lambda *_: pytest.fail("generated anew"))
        == folder
    )
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == before
    assert prepare_interactions(three, 2, cache=tmp_path) != folder


def test_same_seed_same_values_in_another_place(three, tmp_path):
    first, second = (prepare_interactions(three, 5, cache=tmp_path / name) for name in "ab")
    assert (first / "captions.json").read_bytes() == (second / "captions.json").read_bytes()
    stores = [FeatureStore(folder / "store.h5") for folder in (first, second)]
    for name in stores[0].ids:
        assert_same(stores[0][name], stores[1][name])


def test_where_the_cache_lies(three, tmp_path, monkeypatch):
    monkeypatch.setenv("STGRAPH_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "common"))
    assert prepare_interactions(three).parent == tmp_path / "own" / "interactions"
    monkeypatch.delenv("STGRAPH_CACHE")
    assert prepare_interactions(three).parent == tmp_path / "common" / "stgraph" / "interactions"


def test_a_folder_with_a_file_missing_is_made_again(three, tmp_path):
    folder = prepare_interactions(three, cache=tmp_path)
    (folder / "store.h5").unlink()
    assert prepare_interactions(three, cache=tmp_path) == folder
    assert len(FeatureStore(folder / "store.h5")) == 3


def test_what_stops_halfway_leaves_nothing(three, tmp_path):
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_interactions(three, cache=tmp_path, progress=stop)
    assert list((tmp_path / "interactions").iterdir()) == []
    assert len(FeatureStore(prepare_interactions(three, cache=tmp_path) / "store.h5")) == 3


def test_what_is_killed_halfway_is_not_taken_for_whole(three, tmp_path):
    program = (
        "import os; from stgraph.datasets.interactions import SIZES, prepare_interactions as p\n"
        "SIZES['three'] = dict(train=1, val=1, test=1)\n"
        f"p('three', cache={str(tmp_path)!r}, progress=lambda done, _: done < 2 or os.kill(os.getpid(), 9))"
    )
    root = Path(stgraph.__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(root)}, check=False
    )
    assert run.returncode == -signal.SIGKILL
    assert any(
        path.name.startswith(".three-") and path.is_dir() for path in (tmp_path / "interactions").iterdir()
    )
    folder = prepare_interactions(three, cache=tmp_path)
    assert len(FeatureStore(folder / "store.h5")) == 3
    assert list(folder.parent.iterdir()) == [folder]


def test_two_at_once_agree_on_one_folder(three, tmp_path):
    with ThreadPoolExecutor(2) as threads:
        jobs = [threads.submit(prepare_interactions, three, 9, cache=tmp_path) for _ in range(2)]
        folders = {job.result() for job in jobs}
    assert len(folders) == 1
    assert [path.name for path in (tmp_path / "interactions").iterdir()] == [folders.pop().name]


def test_when_another_was_faster_its_folder_stays(three, tmp_path):
    finished = prepare_interactions(three, cache=tmp_path / "elsewhere")
    target = tmp_path / "interactions" / finished.name

    def another_finishes(done: int, total: int) -> None:
        if done == total:
            shutil.copytree(finished, target)
            (target / "theirs").touch()

    prepare_interactions(three, cache=tmp_path, progress=another_finishes)
    assert (target / "theirs").exists()
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_a_worker_that_dies_is_reported_and_no_process_is_left(monkeypatch):
    monkeypatch.setattr(pool, "_COMMAND", "import sys; sys.exit(7)")
    with pytest.raises(StgraphError, match="before video 0 with exit status 7"):
        list(generate_in_processes(0, 120, workers=2))


def test_leaving_early_ends_the_processes():
    videos = generate_in_processes(0, 10_000, workers=2)
    next(videos)
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    started = set(children.read_text().split())
    assert len(started) >= 2
    begin = time.monotonic()
    videos.close()
    assert time.monotonic() - begin < 5
    assert len(started - set(children.read_text().split())) >= 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": "huge"}, "'size' must be one of tiny, small, full, got 'huge'"),
        ({"seed": -1}, "'seed' must be 0 or more, got -1"),
        ({"workers": 0}, "'workers' must be at least 1 or None, got 0"),
    ],
)
def test_options_that_cannot_be(options, message, tmp_path):
    with pytest.raises(OptionError, match=message):
        prepare_interactions(**{"size": "tiny", "cache": tmp_path, **options})


def test_splits_are_seeded_and_not_in_order():
    assert preparing.split_of_videos("tiny", 0) == preparing.split_of_videos("tiny", 0)
    assert preparing.split_of_videos("tiny", 0) != preparing.split_of_videos("tiny", 1)
    assert preparing.split_of_videos("tiny", 0)[:60] != ["train"] * 60
