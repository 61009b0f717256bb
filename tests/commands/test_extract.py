"""``stgraph extract`` from the command line: unusual folders, shards, repeated runs, misspelt settings."""

import json
import os
import re
import tempfile
from pathlib import Path

import pytest
import torch

from stgraph.cli import main
from stgraph.extraction import ExtractionLog
from stgraph.features.store import FeatureStore, validate
from tests.extraction.files import folder_of_videos
from tests.extraction.odd_files import GOOD, write_bad, write_good
from tests.extraction.test_job import same

SMALL = "tests.extraction.small."
PLAIN = ["appearance=own", f"appearance.name={SMALL}MeanColour", "motion=none", "objects=none"]


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    return folder_of_videos(tmp_path_factory.mktemp("extract") / "videos")


def extract(*arguments):
    return main(["extract", *map(str, arguments)])


@pytest.fixture
def open_folder():
    """A folder in which tests that run as root can drop their privileges, so that file permissions apply."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        superuser = os.geteuid() == 0
        if superuser:
            os.seteuid(65534)
        yield folder
        if superuser:
            os.seteuid(0)


def test_a_folder_of_odd_files_gives_the_good_and_names_the_bad(open_folder, capsys):
    folder = open_folder / "videos"
    write_good(folder)
    reasons = {**write_bad(folder), "locked": "is not readable; change its permissions"}
    (folder / "locked.mp4").write_bytes(b"x" * 99)
    (folder / "locked.mp4").chmod(0)
    (folder / "captions.json").write_text("{}")
    assert extract(folder, open_folder / "store.h5", *PLAIN) == 1
    assert set(FeatureStore(open_folder / "store.h5").ids) == set(GOOD)
    assert validate(open_folder / "store.h5") == []
    said = capsys.readouterr().err
    assert f"{len(reasons)} could not be extracted:" in said
    for name, reason in reasons.items():
        assert re.search(rf"{name}\.\w+: .*({reason})", said), (name, said)
    assert "Skipped 1 non-video file: captions.json" in said
    log = json.loads((open_folder / "store.extraction.json").read_text())
    assert {os.path.basename(path).partition(".")[0] for path in log["failed"]} == reasons.keys()


def test_parts_and_their_merge_are_the_whole(videos, tmp_path):
    assert extract(videos, tmp_path / "whole.h5", *PLAIN) == 0
    parts = [tmp_path / f"part{part}.h5" for part in range(1, 8)]  # more parts than videos: some are empty
    for part, path in enumerate(parts, start=1):
        assert extract(videos, path, *PLAIN, "--shard", f"{part}/7") == 0
    assert main(["store", "merge", str(tmp_path / "merged.h5"), *map(str, parts)]) == 0
    same(tmp_path / "merged.h5", tmp_path / "whole.h5")


def test_a_detector_of_your_own_with_its_arguments(videos, tmp_path):
    mine = ["objects=own_detector", f"objects.name={SMALL}Halves", "objects.features=null", "+objects.part=1"]
    assert extract(videos, tmp_path / "store", *PLAIN[:3], *mine, "threads=2", "batch_size=3") == 0
    store = FeatureStore(tmp_path / "store")
    video = store["video3"]
    assert video.detections.boxes[0].tolist() == [24, 0, 48, 32]
    assert store.label_names == ("left", "right")
    assert store.extractors["object"].settings["part"] == 1
    assert store.extractors["object"].weights.startswith("part 1")


def test_boxes_without_features_are_named_with_what_to_do(videos, tmp_path, capsys):
    mine = ["objects=own_detector", f"objects.name={SMALL}boxes", "objects.features=null"]
    assert extract(videos, tmp_path / "store", *PLAIN[:3], *mine) == 1
    assert (
        "returned boxes without features; return features, or set 'features' to a backbone"
        in capsys.readouterr().err
    )


def test_what_is_there_is_not_done_again(videos, tmp_path, capsys):
    command = (videos, tmp_path / "store", *PLAIN)
    assert extract(*command) == 0
    assert "5 videos in" in capsys.readouterr().out
    first = json.loads((tmp_path / "store.extraction.json").read_text())
    assert extract(*command) == 0
    assert "5 were in the store already" in capsys.readouterr().out
    assert json.loads((tmp_path / "store.extraction.json").read_text()) == first


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("apearance=resnet101", "There is no setting 'apearance'.* did you mean 'appearance'"),
        ("appearance=resnet1", "resnet1"),
        ("frames.number=0", "'frames.number' must be a number of at least 1, got 0"),
        ("engine=sparc", "'engine' must be local or ray, got 'sparc'"),
        (
            "appearance.weights=/no/such file.pt",
            "'weights' must be default, .*random or a file, got '/no/such file.pt'",
        ),
        ("motion=i3d", "'motion.weights' must be given"),
        ("device=gpu", "device"),
    ],
)
def test_a_wrong_setting_is_named_before_anything_is_done(videos, tmp_path, capsys, setting, sentence):
    others = [] if "motion" in setting else ["motion=none"]
    others += [] if setting.startswith("appearance") else ["appearance=none"]
    if setting.startswith("engine"):
        others = PLAIN
    assert (
        extract(
            videos,
            tmp_path / "store.h5",
            setting,
            *others,
            *(["objects=none"] if others is not PLAIN else []),
        )
        == 1
    )
    assert re.search(sentence, capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


def test_features_are_the_same_whatever_is_extracted_beside_them(videos, tmp_path):
    extract(videos, tmp_path / "all.h5", *PLAIN, "batch_size=64")
    extract(videos / "video3.mp4", tmp_path / "one.h5", *PLAIN, "batch_size=64")
    one, whole = FeatureStore(tmp_path / "one.h5"), FeatureStore(tmp_path / "all.h5")
    assert torch.equal(one["video3"].appearance, whole["video3"].appearance)


def test_names_that_do_not_print_are_reported_escaped(tmp_path, capsys):
    folder = folder_of_videos(tmp_path / "videos", 2)
    try:
        (folder / "video1.mp4").rename(folder / "a\nb\x1b[31m.mp4")
        os.rename(folder / "video0.mp4", os.path.join(os.fsencode(folder), b"\xff.mp4"))
    except OSError:
        pytest.skip("this file system has no such names")
    folder_of_videos(folder, 1)
    assert extract(folder, tmp_path / "s.h5", *PLAIN) == 1
    said = capsys.readouterr().err
    assert "2 could not be extracted:" in said
    assert "/a\\nb\\x1b[31m.mp4: The video id" in said
    assert "/\\udcff.mp4: The video id" in said
    failed = ExtractionLog.load(tmp_path / "s.h5").failed  # whose file is UTF-8, whatever the names are
    assert {Path(name).name for name in failed} == {"a\\nb\\x1b[31m.mp4", "\\udcff.mp4"}
    assert FeatureStore(tmp_path / "s.h5").ids == ("video0",)
