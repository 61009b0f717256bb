import pytest

from stgraph.errors import MissingDataError
from stgraph.features import FeatureStore
from stgraph.features.store import info
from tests.features.store.samples import random_video, record, write

VIDEOS = [random_video(0, counts=(2, 0, 3)), random_video(1, counts=(0,), clips=4)]


def test_counts(tmp_path):
    found = info(write(tmp_path / "store", VIDEOS, videos_per_shard=1))
    assert (found.videos, found.frames, found.clips, found.objects, found.shards) == (2, 4, 6, 5, 2)
    assert found.frames_without_objects == 2
    assert found.boxes_per_frame == (1.25, 3)
    assert found.widths == {"appearance": 4, "motion": 6, "object": 5, "grid/cells": 3}
    assert found.bytes == sum(file.stat().st_size for file in (tmp_path / "store").iterdir())
    assert found.dtype == "float16"


def test_text_for_people(tmp_path):
    made = {"object": record("detr", weights="sha:77", stride=16)}
    path = write(tmp_path / "store.h5", [random_video(0, streams=("object",))], extractors=made)
    lines = str(info(FeatureStore(path))).splitlines()
    assert lines[0].startswith(f"{path}: 1 videos in 1 file, ")
    assert lines[0].endswith("features as float16")
    assert lines[1:] == [
        "  frames   3 (3.0 per video)",
        "  objects  5 (1.7 per frame, at most 3; 1 frames without objects; 3 label names)",
        "  streams",
        "    object [5]  detr; weights sha:77; torch 2.14; stride=16",
    ]


def test_empty_store(tmp_path):
    found = info(write(tmp_path / "store.h5", []))
    assert (found.videos, found.objects, found.boxes_per_frame) == (0, 0, (0.0, 0))
    assert "0 videos" in str(found)


def test_nothing_there(tmp_path):
    with pytest.raises(MissingDataError):
        info(tmp_path / "store.h5")
