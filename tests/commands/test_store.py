from dataclasses import replace

import h5py
import pytest

from stgraph.cli import main
from stgraph.features import FeatureStore
from tests.features.store.samples import random_video, records, write


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "store.h5", [random_video(0), random_video(1)])


def test_info(path, capsys):
    assert main(["store", "info", str(path)]) == 0
    assert "store.h5: 2 videos in 1 file" in capsys.readouterr().out


@pytest.mark.parametrize("sign", ["\x1b[31m", "\u202e", "\x07"])
def test_what_a_store_says_is_shown_escaped(tmp_path, capsys, sign):
    given = {name: replace(record, weights=f"{sign}abc") for name, record in records().items()}
    main(["store", "info", str(write(tmp_path / "store.h5", [random_video(0)], extractors=given))])
    shown = capsys.readouterr().out
    assert f"weights {sign.encode('unicode_escape').decode()}abc" in shown
    assert shown.replace("\n", "").isprintable()


def test_validate(path, capsys):
    assert main(["store", "validate", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: no problems found.\n"
    with h5py.File(path, "a") as file:
        file["object/score"][6] = float("nan")
    assert main(["store", "validate", str(path)]) == 1
    assert (
        capsys.readouterr().out == "Video 'video1': 'object/score' has NaN or infinity in row 1 (store.h5).\n"
    )


def test_merge(path, tmp_path, capsys):
    other = write(tmp_path / "other", [random_video(2)])
    assert main(["store", "merge", str(tmp_path / "all.h5"), str(path), str(other)]) == 0
    assert "all.h5: 3 videos in 1 file" in capsys.readouterr().out
    assert FeatureStore(tmp_path / "all.h5").ids == ("video0", "video1", "video2")


def test_errors_are_one_line(tmp_path, path, capsys):
    assert main(["store", "info", str(tmp_path / "no.h5")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("stgraph store: No feature store at ")
    assert said.count("\n") == 1
    assert main(["store", "merge", str(tmp_path / "all.h5"), str(path), str(path)]) == 1
    assert "'video0' is in" in capsys.readouterr().err


def test_wrong_call(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["store", "look", "x"])
    assert stop.value.code == 2
    assert "invalid choice: 'look'" in capsys.readouterr().err
