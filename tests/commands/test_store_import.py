import json

import h5py
import numpy as np
import pytest

from stgraph.cli import main
from stgraph.features import FeatureStore
from stgraph.features.store import validate

NPY = ("--layout", "npy", "--appearance", "resnet", "--motion", "c3d")


@pytest.fixture
def source(tmp_path):
    """Two videos in every layout: frame features are 1 for a and 2 for b; clip features are negative."""
    root = tmp_path / "source"
    for name in ("resnet", "c3d", "each", "boxes"):
        (root / name).mkdir(parents=True)
    with h5py.File(root / "all.h5", "w") as keyed, h5py.File(root / "frames.h5", "w") as frames:
        for number, video in enumerate("ab", start=1):
            appearance, motion = np.full((3, 2), number, np.float32), np.full((1, 4), -number, np.float32)
            np.save(root / "resnet" / f"{video}.npy", appearance)
            np.save(root / "c3d" / f"{video}.npy", motion[0])
            keyed[f"{video}/resnet"], keyed[f"{video}/c3d"], frames[video] = appearance, motion, appearance
            with h5py.File(root / "each" / f"{video}.h5", "w") as file:
                file["resnet"], file["c3d"] = appearance, motion
            boxes = [{"frame": 0, "boxes": [[0, 0, 9, 9]], "scores": [1], "labels": ["dog"]}]
            content = {"width": 20, "height": 10, "num_frames": 5, "frames": boxes}
            (root / "boxes" / f"{video}.json").write_text(json.dumps(content))
            np.savez(
                root / "boxes" / f"{video}.npz",
                frame_features=appearance[:1],
                object_features=np.ones((1, 3)),
            )
    return root


@pytest.mark.parametrize(
    ("place", "options"),
    [
        (".", NPY),
        ("all.h5", ("--layout", "hdf5", *NPY[2:])),
        ("each", ("--layout", "hdf5-per-video", *NPY[2:])),
    ],
)
def test_each_layout_becomes_the_same_store(source, tmp_path, capsys, place, options):
    path = tmp_path / "store.h5"
    assert main(["store", "import", str(source / place), str(path), *options]) == 0
    assert "store.h5: 2 videos in 1 file" in capsys.readouterr().out
    assert validate(path) == []
    store = FeatureStore(path)
    assert store.ids == ("a", "b")
    assert {stream: record.name for stream, record in store.extractors.items()} == {
        "appearance": "resnet",
        "motion": "c3d",
    }
    assert store["b"].appearance.tolist() == [[2, 2]] * 3
    assert store["b"].motion_of_frames().tolist() == [[-2] * 4] * 3


@pytest.mark.parametrize(
    ("place", "layout", "name", "record"),
    [
        ("resnet", "npy", ".", "resnet"),
        (".", "hdf5", "frames.h5", "frames"),
        ("frames.h5", "hdf5", ".", "frames"),
    ],
)
def test_one_stream_alone(source, tmp_path, place, layout, name, record):
    options = ["--layout", layout, "--appearance", name, "--dtype", "float32"]
    assert main(["store", "import", str(source / place), str(tmp_path / "s.h5"), *options]) == 0
    store = FeatureStore(tmp_path / "s.h5")
    assert store.extractors["appearance"].name == record
    assert store.header.dtype == "float32"
    assert store["a"].appearance.tolist() == [[1, 1]] * 3


def test_detections(source, tmp_path, capsys):
    call = ["store", "import", str(source / "boxes"), str(tmp_path / "s.h5"), "--layout", "detections"]
    assert main(call) == 1
    assert "'--extractor appearance=NAME'" in capsys.readouterr().err
    call += ["--extractor", "appearance=mobilenet", "--extractor", "object=yolo"]
    (source / "boxes" / "c.npz").write_bytes(b"")
    (source / "boxes" / "b.npz").unlink()
    assert main(call) == 1
    assert capsys.readouterr().err.startswith("b: no npz\nc: no json\nstgraph store: 2 videos are incomplete")
    assert main([*call, "--common"]) == 0
    store = FeatureStore(tmp_path / "s.h5")
    assert (store.ids, store.label_names, store.widths) == (("a",), ("dog",), {"appearance": 2, "object": 3})
    assert store.extractors["object"].name == "yolo"


def test_ids_that_do_not_match(source, tmp_path, capsys):
    (source / "c3d" / "a.npy").rename(source / "c3d" / "video_a.npy")
    call = ["store", "import", str(source), str(tmp_path / "s.h5"), *NPY]
    assert main(call) == 1
    said = capsys.readouterr()
    assert said.err.startswith("a: no motion\nvideo_a: no appearance\nstgraph store: 2 videos are incomplete")
    assert not (tmp_path / "s.h5").exists()
    assert main([*call, "--common"]) == 0
    said = capsys.readouterr()
    assert said.err.startswith("a: no motion\nvideo_a: no appearance\nstgraph store: left out")
    assert FeatureStore(tmp_path / "s.h5").ids == ("b",)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--layout", "npy"), "Say where the features are"),
        ((*NPY, "--extractor", "object=x"), "must be STREAM=NAME with a stream of appearance, motion"),
        ((*NPY, "--extractor", "motion"), "must be STREAM=NAME"),
        (("--layout", "detections", "--motion", "c3d"), "don't apply to '--layout detections'"),
        (("--layout", "npy", "--motion", "i3d"), "No ID.npy files in"),
    ],
)
def test_wrong_options_are_one_line(source, tmp_path, capsys, options, words):
    assert main(["store", "import", str(source), str(tmp_path / "s.h5"), *options]) == 1
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not (tmp_path / "s.h5").exists()


def test_a_bad_array_leaves_no_store(source, tmp_path, capsys):
    np.save(source / "c3d" / "b.npy", np.full((1, 4), np.nan))
    assert main(["store", "import", str(source), str(tmp_path / "s.h5"), *NPY]) == 1
    assert "Video 'b': 'motion' must be finite" in capsys.readouterr().err
    assert not list(tmp_path.glob("*s.h5*"))


def test_name_of_the_extractor(source, tmp_path, capsys):
    call = ["store", "import", str(source), str(tmp_path / "s"), *NPY, "--extractor"]
    for wrong in ("appearance=my resnet", "appearance=resnet152=b"):  # a model folder rejects such names
        assert main([*call, wrong]) == 1
        assert f"such as my_lab.i3d, got '{wrong.partition('=')[2]}'" in capsys.readouterr().err
        assert not (tmp_path / "s").exists()
    assert main([*call, "appearance=my_lab.resnet152-b"]) == 0
    assert FeatureStore(tmp_path / "s").extractors["appearance"].name == "my_lab.resnet152-b"


@pytest.mark.parametrize("name", ["s.h5", "s"])
def test_an_existing_store_is_added_to_as_the_message_says(source, tmp_path, capsys, name):
    call = ["store", "import", str(source), str(tmp_path / name), *NPY]
    for stream in ("resnet", "c3d"):
        (source / stream / "b.npy").rename(tmp_path / f"{stream}.npy")
    assert main(call) == 0
    for stream in ("resnet", "c3d"):
        (tmp_path / f"{stream}.npy").rename(source / stream / "b.npy")
    assert main(call) == 1
    said = capsys.readouterr().err
    assert "add --append to import the videos that it lacks" in said
    assert FeatureStore(tmp_path / name).ids == ("a",)
    assert main([*call, "--append"]) == 0
    assert FeatureStore(tmp_path / name).ids == ("a", "b")
    assert validate(tmp_path / name) == []
    assert main([*call, "--append", "--extractor", "motion=i3d"]) == 1
    assert "i3d" in capsys.readouterr().err


def test_an_import_that_stops_is_no_store_and_goes_on(source, tmp_path, monkeypatch):
    """Killed after the first of two shards: nothing has the store's name, and the second run reads the other video only."""
    monkeypatch.setattr("stgraph.features.store.writer.VIDEOS_PER_SHARD", 1)
    np.save(source / "c3d" / "b.npy", np.full((1, 4), np.nan))
    call = ["store", "import", str(source), str(tmp_path / "s"), *NPY]
    assert main(call) == 1
    assert not (tmp_path / "s").exists()
    np.save(source / "c3d" / "b.npy", np.ones((1, 4), np.float32))
    (source / "c3d" / "a.npy").write_bytes((source / "c3d" / "b.npy").read_bytes())
    assert main(call) == 0
    store = FeatureStore(tmp_path / "s")
    assert store.ids == ("a", "b")
    assert store["a"].motion.tolist() == [[-1] * 4]  # as the first run stored it
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_hidden_files_are_not_imported_and_endings_are_cut(source, tmp_path):
    for stream in ("resnet", "c3d"):
        (source / stream / "._a.npy").write_bytes(b"\0\5\x16\7")
        (source / stream / "b.npy").rename(source / stream / "b.mp4.npy")
    assert main(["store", "import", str(source), str(tmp_path / "s.h5"), *NPY]) == 0
    assert FeatureStore(tmp_path / "s.h5").ids == ("a", "b")
    (source / "boxes" / "._a.json").write_bytes(b"\0\5\x16\7")
    call = ["store", "import", str(source / "boxes"), str(tmp_path / "t.h5"), "--layout", "detections"]
    assert main([*call, "--extractor", "appearance=m", "--extractor", "object=y"]) == 0


def test_a_nested_group_is_imported_by_its_path(source, tmp_path, capsys):
    with h5py.File(source / "all.h5") as file, h5py.File(source / "nested.h5", "w") as nested:
        for video in "ab":
            nested[f"resnet/YouTubeClips/{video}"] = file[f"{video}/resnet"][()]
    call = ["store", "import", str(source / "nested.h5"), str(tmp_path / "s.h5"), "--layout", "hdf5"]
    assert main([*call, "--appearance", "resnet"]) == 1
    assert "such as 'resnet/YouTubeClips'" in capsys.readouterr().err
    assert main([*call, "--appearance", "resnet/YouTubeClips"]) == 0
    store = FeatureStore(tmp_path / "s.h5")
    assert store.ids == ("a", "b")
    assert store.extractors["appearance"].name == "resnet"
