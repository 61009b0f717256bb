"""Each video yields its features or its failure, in order, for any number of threads and batch size."""

import threading

import pytest
import torch

from stgraph.errors import OptionError
from stgraph.extraction import (
    ExtractionPlan,
    ExtractorChoice,
    Failure,
    FrameRule,
    Timings,
    engine,
    extract_videos,
    find_videos,
    item_reader,
)
from tests.extraction.files import flat_video, folder_of_videos

SMALL = "tests.extraction.small."


def planned(*names):
    choices = [ExtractorChoice(SMALL + name) for name in names]
    return ExtractionPlan(choices, FrameRule("spread", 4), allow=[choice.name for choice in choices]).build()


@pytest.fixture
def folder(tmp_path):
    return folder_of_videos(tmp_path / "videos")


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize(("threads", "batch_size"), [(1, 1), (3, 3), (8, 64)])
def test_all_streams_of_all_videos_in_order(folder, threads, batch_size, across):
    sources, _ = find_videos(folder)
    extractors, timings = planned("MeanColour", "Change", "Corners"), Timings()
    alone = [next(iter(extract_videos([source], extractors))) for source in sources]
    found = list(
        extract_videos(
            sources,
            extractors,
            threads=threads,
            batch_size=batch_size,
            across_videos=across,
            timings=timings,
        )
    )
    assert [video.id for video in found] == [source.id for source in sources]
    for video, other in zip(found, alone, strict=True):
        assert torch.equal(video.appearance, other.appearance)
        assert torch.equal(video.motion, other.motion)
        assert torch.equal(video.grids["ends"].values, other.grids["ends"].values)
        assert torch.equal(video.detections.boxes, other.detections.boxes)
        assert video.motion.shape == (max(1, video.file_frames // 16), 3)
    assert timings.items == {
        SMALL + "MeanColour": 20,
        SMALL + "Change": sum(len(video.motion) for video in found),
        SMALL + "Corners": 20,
    }


def test_dark_frames_have_no_objects_and_the_video_is_whole(tmp_path):
    path = flat_video(tmp_path / "dark.mp4", frames=4, start=0, step=12)
    video = next(iter(extract_videos(find_videos(path)[0], planned("Corners"))))
    assert video.detections.frame.tolist() == [2, 3]
    assert video.detections.features.shape == (2, 2)


def test_a_bad_video_stays_alone(folder):
    flat_video(folder / "video1b.mp4", start=255, step=0)  # after video1
    (folder / "video3b.mp4").write_bytes(b"no video")
    sources, _ = find_videos(folder)
    for across in (False, True):
        found = list(extract_videos(sources, planned("Moody"), across_videos=across, batch_size=64))
        failed = {result.source.id: result.reason for result in found if isinstance(result, Failure)}
        assert failed.keys() == {"video1b", "video3b"}
        assert failed["video1b"] == "RuntimeError: white is too bright"
        assert "cannot be read as a video" in failed["video3b"]
        assert [video.id for video in found if not isinstance(video, Failure)] == [
            f"video{k}" for k in range(5)
        ]


def test_threads_end_when_nobody_reads_on(folder):
    sources, _ = find_videos(folder)
    before = threading.active_count()
    results = extract_videos(sources * 20, planned("MeanColour"), threads=3)
    next(results)
    results.close()
    assert threading.active_count() == before


@pytest.mark.parametrize("name", ["threads", "batch_size"])
def test_numbers_that_cannot_be(name):
    with pytest.raises(OptionError, match=f"'{name}' must be at least 1, got 0"):
        next(extract_videos([], planned("MeanColour"), **{name: 0}))


@pytest.mark.parametrize("across", [False, True])
def test_large_items_wait_one_batch_at_a_time(folder, monkeypatch, across):
    sources, _ = find_videos(folder)
    extractors = planned("MeanColour", "Change")
    expected = list(extract_videos(sources, extractors))
    monkeypatch.setattr(engine, "QUEUED_BYTES", 1)
    for module in (engine, item_reader):
        monkeypatch.setattr(module, "BATCH_BYTES", 1)
    found = list(extract_videos(sources, extractors, threads=3, across_videos=across))
    for video, other in zip(found, expected, strict=True):
        assert video.appearance.equal(other.appearance)
        assert video.motion.equal(other.motion)


def test_readers_that_wait_for_room_are_stopped(folder, monkeypatch):
    monkeypatch.setattr(engine, "QUEUED_BYTES", 1)
    results = extract_videos(find_videos(folder)[0], planned("MeanColour"), threads=3, batch_size=1)
    next(results)
    results.close()  # joins them
    assert threading.active_count() < 4
