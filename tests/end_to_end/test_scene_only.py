"""A store without objects: the scene branch is trained and tested alone, as somebody with frame features would."""

from dataclasses import replace

import pytest

from stgraph import CaptionPipeline
from stgraph.cli import main
from stgraph.datasets import open_dataset
from stgraph.errors import OptionError
from stgraph.features.store import FeatureStoreWriter
from stgraph.settings.compose import compose
from stgraph.settings.training import train
from tests.training.conftest import SMALL


@pytest.fixture
def settings(tmp_path):
    dataset = open_dataset("interactions", size="tiny")
    records = {"appearance": dataset.store.extractors["appearance"]}
    with FeatureStoreWriter(tmp_path / "frames.h5", extractors=records) as writer:
        for name in dataset.store.ids:
            writer.add(replace(dataset.store[name], detections=None, motion=None, clip_start=None))
    dataset.corpus.save(tmp_path / "captions.json")
    paths = [
        f"data.dataset.store={tmp_path / 'frames.h5'}",
        f"data.dataset.captions={tmp_path / 'captions.json'}",
    ]
    return [SMALL[0], *SMALL[2:], "data=store", *paths, f"run={tmp_path / 'run'}", "trainer.max_epochs=1"]


def test_is_trained_scored_and_described(settings, tmp_path, capsys):
    run = train(compose("train", [*settings, "model.branches=[scene]"]))
    assert main(["evaluate", str(run), "split=val"]) == 0
    assert main(["caption", "interactions-0-00000", "--model", str(run)]) == 0
    assert "interactions-0-00000\t" in capsys.readouterr().out
    assert main(["caption", "interactions-0-00000", "--model", str(run), "branch=object"]) == 1
    assert "'branch' must be one of ('scene',)" in capsys.readouterr().err


def test_the_settings_for_short_captions_train_the_scene_branch(settings):
    run = train(compose("train", ["experiment=short_captions", *settings[1:]]))
    model = CaptionPipeline.from_pretrained(run).model
    assert model.branches == ("scene",)
    inputs = model.encoders["scene"].inputs
    assert (inputs.norm, inputs.dropout, inputs.training) == ("layer", 0.8, False)


@pytest.mark.parametrize(("system", "hidden"), [("stat", 0.8), ("stats", 0.5)])
def test_the_settings_for_short_captions_train_the_attention_systems_without_regions(
    system, hidden, settings
):
    experiment = [f"experiment=short_captions_{system}", "model.streams=[appearance]"]
    own = [line for line in settings[1:] if "num_heads" not in line and "feedforward" not in line]
    model = CaptionPipeline.from_pretrained(train(compose("train", [*experiment, *own]))).model
    assert model.streams(system) == ("appearance",)
    inputs = model.encoder.inputs
    assert (inputs.norm, inputs.dropout, inputs.training) == ("layer", hidden, False)


def test_the_object_branch_says_what_is_missing(settings):
    with pytest.raises(
        OptionError, match=r"needs 'object' features, but the data have only appearance; .*=\[scene\]"
    ):
        train(compose("train", settings))
