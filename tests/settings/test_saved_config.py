"""A run is used from another folder than the one it was trained in."""

import re
import shutil

import pytest

from stgraph.cli import main
from stgraph.datasets import open_dataset
from stgraph.settings.compose import saved_config

SMALL = [
    "data=folder",
    "data.dataset.store=videos.h5",
    "data.dataset.captions=captions.json",
    "model.hidden_channels=16",
    "model.num_heads=2",
    "model.feedforward_channels=16",
    "trainer.max_epochs=1",
    "trainer.accelerator=cpu",
    "run=run",
]


def test_relative_paths_hold_from_another_folder(tmp_path, monkeypatch, capsys):
    dataset = open_dataset("interactions", size="tiny")
    home = tmp_path / "home"
    home.mkdir()
    (home / "videos.h5").symlink_to(dataset.store.path)
    dataset.corpus.save(home / "captions.json")
    monkeypatch.chdir(home)
    assert main(["train", *SMALL]) == 0
    saved = saved_config(home / "run").data.dataset
    assert (saved.store, saved.captions) == (str(home / "videos.h5"), str(home / "captions.json"))
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert main(["evaluate", str(home / "run"), "split=val"]) == 0, capsys.readouterr().err


@pytest.fixture(scope="module")
def trained_here(tmp_path_factory):
    """A folder with features, captions, and a run whose own captions lie in the run folder; tests copy it."""
    home = tmp_path_factory.mktemp("saved") / "home"
    dataset = open_dataset("interactions", size="tiny")
    (home / "run").mkdir(parents=True)
    shutil.copy(dataset.store.path, home / "videos.h5")
    dataset.corpus.save(home / "run" / "captions.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        assert main(["train", *SMALL, "data.dataset.captions=run/captions.json"]) == 0
    return home


@pytest.fixture
def moved(trained_here, tmp_path, monkeypatch):
    """The run elsewhere than it was trained, without its features; the working directory is a third folder."""
    home = shutil.copytree(trained_here, tmp_path / "home")
    monkeypatch.chdir(tmp_path)
    text = (home / "run" / "config.yaml").read_text()
    (home / "run" / "config.yaml").write_text(text.replace(str(trained_here), str(home)))
    (home / "videos.h5").rename(tmp_path / "features.h5")
    (home / "run").rename(tmp_path / "there")
    return tmp_path / "there"


def test_a_path_in_the_run_moves_with_it(moved):
    assert saved_config(moved).data.dataset.captions == str(moved / "captions.json")
    assert "captions: captions.json" in (moved / "config.yaml").read_text()


@pytest.mark.parametrize("command", ["evaluate", "caption"])
def test_features_that_have_moved_are_named_with_the_setting_that_works(command, moved, capsys):
    video = open_dataset("interactions", size="tiny").corpus.ids("val")[0]
    arguments = (
        ["evaluate", "there", "split=val"]
        if command == "evaluate"
        else ["caption", video, "--model", "there"]
    )
    assert main(arguments) == 1
    error = capsys.readouterr().err
    was = moved.parent / "home" / "videos.h5"
    assert f"there was trained with data.dataset.store={was}, which is no longer there" in error
    remedy = re.search(r"give its new place by (data\S+=)PATH", error)[1]
    assert main([*arguments, f"{remedy}features.h5"]) == 0, capsys.readouterr().err
    assert main([*arguments, f"{remedy}nowhere.h5"]) == 1
    assert "No feature store at nowhere.h5" in capsys.readouterr().err


def test_a_run_whose_features_have_moved_is_resumed(moved, capsys):
    shutil.copy(moved.parent / "features.h5", moved.parent / "other.h5")
    data = ["data.dataset.store=features.h5", "data.dataset.captions=there/captions.json"]
    again = [*SMALL, *data, "run=there", "trainer.max_epochs=2", "resume=true"]
    assert main(["train", *again]) == 0, capsys.readouterr().err
    assert "2 epochs" in capsys.readouterr().err
    # The new place exists, so yet another file is another data set.
    assert main(["train", *again, "data.dataset.store=other.h5"]) == 1
    assert "resume it unchanged" in capsys.readouterr().err
