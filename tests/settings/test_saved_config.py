"""A run is used from another folder than the one it was trained in."""

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
