"""Real clips to a store: all are read, a kill costs a shard, parts and Ray give the same."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch

from stgraph.cli import main
from stgraph.features.store import FeatureStore, validate
from stgraph.video import VideoReader
from tests.extraction.odd_files import GOOD, write_bad, write_good
from tests.extraction.test_job import same

SETTINGS = [
    "appearance=resnet18",
    "appearance.weights=random",
    "motion=none",
    "objects=none",
    "videos_per_shard=4",
]


@pytest.fixture(scope="module")
def undisturbed(real_data, tmp_path_factory):
    """The store of all 27 clips."""
    store = tmp_path_factory.mktemp("extraction") / "whole.h5"
    assert main(["extract", str(real_data / "clips"), str(store), *SETTINGS]) == 0
    return store


def test_all_clips_are_read(undisturbed, real_data):
    store = FeatureStore(undisturbed)
    assert len(store.ids) == 27
    assert validate(undisturbed) == []
    for path in (real_data / "clips").iterdir():
        if path.suffix == ".json":
            continue
        video = store[path.stem]
        with VideoReader(path) as reader:
            assert video.file_frames == reader.num_frames
            assert torch.equal(video.frame_time, reader.times[video.frame_index])
            assert video.size == reader.size
        assert video.num_frames == min(10, video.file_frames)
    vectors = torch.cat([store[name].appearance for name in store.ids])
    assert torch.unique(vectors, dim=0).shape[0] > 0.9 * len(vectors)  # pictures differ, and so do vectors


@pytest.mark.parametrize("name", ["store.h5", "store"])
def test_sigkill_and_the_same_command_again(undisturbed, real_data, tmp_path, name, capsys):
    store = tmp_path / name
    shards = store if name == "store" else tmp_path / f".{name}.parts"
    command = ["extract", str(real_data / "clips"), str(store), *SETTINGS]
    process = subprocess.Popen([sys.executable, "-m", "stgraph.cli", *command], stderr=subprocess.DEVNULL)
    while not (shards / "shard-00002.h5").exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert main(command) == 0
    done = int(re.search(r"(\d+) were in the store already", capsys.readouterr().out)[1])
    assert done >= 12
    assert done % 4 == 0
    assert validate(store) == []
    same(store, undisturbed)


def test_parts_joined_are_the_whole(undisturbed, real_data, tmp_path):
    parts = [str(tmp_path / f"part{part}.h5") for part in (1, 2, 3)]
    for part, path in enumerate(parts, start=1):
        assert main(["extract", str(real_data / "clips"), path, *SETTINGS, "--shard", f"{part}/3"]) == 0
    assert main(["store", "merge", str(tmp_path / "all.h5"), *parts]) == 0
    same(tmp_path / "all.h5", undisturbed)


def test_good_and_bad_files_in_one_folder(undisturbed, real_data, tmp_path, capsys):
    folder = shutil.copytree(real_data / "clips", tmp_path / "videos")
    write_good(folder)
    reasons = write_bad(folder)
    assert main(["extract", str(folder), str(tmp_path / "store.h5"), *SETTINGS]) == 1
    said = capsys.readouterr().err
    for name, reason in reasons.items():
        assert re.search(rf"{name}\.\w+: .*({reason})", said), (name, said)
    store, clips = FeatureStore(tmp_path / "store.h5"), FeatureStore(undisturbed)
    assert set(store.ids) == {*clips.ids, *GOOD}
    for name in clips.ids:
        assert torch.equal(store[name].appearance, clips[name].appearance)


def test_ray_gives_the_same(undisturbed, real_data, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_worker_niceness", "0")  # Ray's default waits for everybody else
    store = tmp_path / "ray.h5"
    assert main(["extract", str(real_data / "clips"), str(store), *SETTINGS, "engine=ray"]) == 0
    same(store, undisturbed)
