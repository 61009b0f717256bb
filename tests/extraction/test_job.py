"""Stores that grow: stored videos stay, killed runs resume, and features of other extractors are refused."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from stgraph.errors import DataError, MissingDataError, StoreError
from stgraph.extraction import (
    ExtractionPlan,
    ExtractorChoice,
    FrameRule,
    Outcome,
    extract_to_store,
    extract_videos,
    find_videos,
    job,
)
from stgraph.features.store import FeatureStore, merge, validate
from tests.extraction.files import flat_video, folder_of_videos

MEAN, MOODY = "tests.extraction.small.MeanColour", "tests.extraction.small.Moody"


def planned(name=MEAN, **settings):
    return ExtractionPlan([ExtractorChoice(name, settings)], FrameRule("spread", 4), allow=[name]).build()


def extract(folder, store, extractors=None, shard=1, seen=None):
    extractors = extractors or planned()

    def engine(sources):
        if seen is not None:
            seen.extend(source.id for source in sources)
        yield from extract_videos(sources, extractors)

    return extract_to_store(find_videos(folder)[0], extractors, store, engine, videos_per_shard=shard)


def same(one, other):
    """Asserts that two stores hold the same videos in the same order."""
    one, other = FeatureStore(one), FeatureStore(other)
    assert one.ids == other.ids
    assert one.extractors == other.extractors
    for name in one.ids:
        assert torch.equal(one[name].appearance, other[name].appearance)
        assert torch.equal(one[name].frame_time, other[name].frame_time)


@pytest.fixture
def folder(tmp_path):
    return folder_of_videos(tmp_path / "videos")


@pytest.mark.parametrize("name", ["store.h5", "store"])
def test_a_second_run_does_the_new_videos_only(folder, tmp_path, name):
    store = tmp_path / name
    assert extract(folder, store) == Outcome(added=5)
    flat_video(folder / "video9.mp4")
    seen = []
    assert extract(folder, store, seen=seen) == Outcome(added=1, skipped=5)
    assert seen == ["video9"]
    assert extract(folder, store) == Outcome(skipped=6)
    assert validate(store) == []
    whole = tmp_path / f"whole-{name}"
    extract(folder, whole)
    same(store, whole)
    assert {path.name for path in tmp_path.iterdir()} == {
        "videos",
        name,
        whole.name,
    }  # no temporary files are left


@pytest.mark.parametrize("name", ["store.h5", "store"])
def test_features_of_another_extractor_are_refused_before_the_first_video(folder, tmp_path, name):
    extract(folder, tmp_path / name)
    flat_video(folder / "video9.mp4")
    seen = []
    with pytest.raises(DataError, match="has 'appearance' of another extractor"):
        extract(folder, tmp_path / name, planned(scale=2.0), seen=seen)
    assert seen == []


def test_failures_are_kept_beside_what_is_good(folder, tmp_path):
    flat_video(folder / "video1b.mp4", start=255, step=0)
    outcome = extract(folder, tmp_path / "store.h5", planned(MOODY))
    assert (outcome.added, [failure.source.id for failure in outcome.failures]) == (5, ["video1b"])
    assert "video1b" not in FeatureStore(tmp_path / "store.h5").ids
    again = extract(folder, tmp_path / "store.h5", planned(MOODY))
    assert (again.added, again.skipped, len(again.failures)) == (0, 5, 1)


def test_no_store_where_no_video_is_good(tmp_path):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").write_bytes(b"x" * 999)
    with pytest.raises(
        MissingDataError,
        match=r"None of the 1 videos could be extracted; the first: .*a.mp4 cannot be read as a video",
    ):
        extract(tmp_path / "videos", tmp_path / "store.h5")
    assert {path.name for path in tmp_path.iterdir()} == {"videos"}


KILLED = """
import sys, time
from tests.extraction.test_job import extract_to_store, extract_videos, find_videos, planned
extractors = planned()
def slow(sources):
    for video in extract_videos(sources, extractors):
        print(video.id, flush=True)
        time.sleep(0.05)
        yield video
extract_to_store(find_videos(sys.argv[1])[0], extractors, sys.argv[2], slow, videos_per_shard=2)
"""


@pytest.mark.parametrize("name", ["store.h5", "store"])
def test_sigkill_loses_one_shard_at_most(tmp_path, name, request):
    folder = folder_of_videos(tmp_path / "videos", count=8)
    store = tmp_path / name
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder), str(store)],
        cwd=request.config.rootpath,
        stdout=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if line.strip() == "video5":
            os.kill(process.pid, signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    time.sleep(0.05)
    assert not store.exists() or validate(store) == []
    seen = []
    outcome = extract(folder, store, seen=seen, shard=2)
    assert outcome == Outcome(added=4, skipped=4)
    assert seen == [f"video{k}" for k in range(4, 8)]  # 4 and 5 were in the unfinished shard
    extract(folder, tmp_path / f"whole-{name}", shard=2)
    same(store, tmp_path / f"whole-{name}")


@pytest.mark.parametrize("name", [os.fsencode("a\nb.mp4"), b"\xff\xfe.mp4", os.fsencode("\u202ea.mp4")])
def test_a_name_that_is_no_id_fails_alone(folder, tmp_path, name):
    try:
        os.rename(folder / "video1.mp4", os.path.join(os.fsencode(folder), name))
    except OSError:
        pytest.skip("this file system has no such names")
    outcome = extract(folder, tmp_path / "s.h5")
    assert outcome.added == 4
    (failure,) = outcome.failures
    assert os.fsencode(failure.source.path.name) == name
    assert "rename the video" in failure.reason
    assert len(FeatureStore(tmp_path / "s.h5").ids) == 4


def test_a_video_that_the_store_refuses_fails_alone(folder, tmp_path):
    extractors = planned(scale=1e3)  # bright frames exceed float16
    outcome = extract(folder, tmp_path / "s.h5", extractors)
    refused = [failure.source.id for failure in outcome.failures]
    assert 0 < outcome.added < 5
    assert set(FeatureStore(tmp_path / "s.h5").ids).isdisjoint(refused)
    assert len(refused) == 5 - outcome.added
    assert "beyond float16" in outcome.failures[0].reason


@pytest.mark.parametrize("name", ["store.h5", "store"])
def test_a_second_extraction_is_refused_and_takes_nothing_from_the_first(folder, tmp_path, name):
    """Before the first shard there is only an empty folder, which the second one must not remove on its way out."""
    store, extractors = tmp_path / name, planned()

    def engine(sources):
        with pytest.raises(StoreError, match="is being written by process"):
            extract(folder, store)
        yield from extract_videos(sources, extractors)

    sources = find_videos(folder)[0]
    assert extract_to_store(sources, extractors, store, engine, videos_per_shard=9) == Outcome(added=5)
    assert len(FeatureStore(store)) == 5
    assert {path.name for path in tmp_path.iterdir()} == {"videos", name}


def test_the_lock_is_held_until_the_shards_are_joined(folder, tmp_path, monkeypatch):
    def merge_while_another_starts(*arguments):
        with pytest.raises(StoreError, match="is being written by process"):
            extract(folder, tmp_path / "store.h5")
        return merge(*arguments)

    monkeypatch.setattr(job, "merge", merge_while_another_starts)
    assert extract(folder, tmp_path / "store.h5") == Outcome(added=5)


@pytest.mark.parametrize("removed", [0, 2])
def test_a_run_killed_between_the_join_and_the_removal_of_the_shards_is_ended_by_the_next(
    folder, tmp_path, monkeypatch, removed
):
    store = tmp_path / "store.h5"

    def killed(parts):
        for shard in sorted(parts.iterdir())[:removed]:
            shard.unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(job.shutil, "rmtree", killed)
        extract(folder, store)
    assert (tmp_path / ".store.h5.parts").exists()
    assert extract(folder, store) == Outcome(skipped=5)
    flat_video(folder / "video9.mp4")
    assert extract(folder, store) == Outcome(added=1, skipped=5)
    assert validate(store) == []
    assert {path.name for path in tmp_path.iterdir()} == {"videos", "store.h5"}


@pytest.mark.parametrize("name", ["store.h5", ".store.h5.parts", ".store.h5.lock"])
def test_links_beside_the_store_are_refused(folder, tmp_path, name):
    victim = tmp_path / "victim"
    victim.mkdir() if name.endswith("parts") else victim.write_text("mine")
    (tmp_path / name).symlink_to(victim)
    with pytest.raises(StoreError, match="is a symbolic link"):
        extract(folder, tmp_path / "store.h5")
    assert list(victim.iterdir()) == [] if victim.is_dir() else victim.read_text() == "mine"


def test_a_folder_where_nothing_can_be_written(folder, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.mkdir", full)
    with pytest.raises(StoreError, match="No room left for .*store.*free some space and run again"):
        extract(folder, tmp_path / "store")
