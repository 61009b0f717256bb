"""What the base class gives every model: checked arguments, sizes of the data, streams, the registry."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

from stgraph.errors import OptionError
from stgraph.models import (
    ArgumentError,
    CaptioningModel,
    STATCaptioner,
    STaTSCaptioner,
    STGraphCaptioner,
    find_model,
    model_names,
    register_model,
    registry,
)
from stgraph.models.arguments import json_arguments
from stgraph.nn import CaptionTransformer, FrameMeanPool, pad_frames
from tests.plugins import install_package


class Pooled(CaptioningModel):
    """The smallest model of one's own: a projection, frame means, a Transformer."""

    name = "pooled"

    def __init__(
        self, vocab_size: int, object_channels: int, *, hidden_channels: int = 8, max_length: int = 6
    ) -> None:
        super().__init__()
        self.max_length = max_length
        self.project = torch.nn.Linear(object_channels, hidden_channels)
        self.pool = FrameMeanPool()
        self.decoder = CaptionTransformer(
            vocab_size, hidden_channels, num_heads=2, num_layers=1, feedforward_channels=8
        )

    def encode(self, graph, branch):
        num_frames = torch.as_tensor(graph.num_frames).reshape(-1)
        rows = self.pool(self.project(graph.x), graph.frame, int(num_frames.sum()))
        return self.decoder.encode(*pad_frames(rows, num_frames))


@dataclass
class Sizes:
    vocab_size: int = 12
    max_length: int = 7
    categories: tuple = ()
    widths: ClassVar[dict] = {"appearance": 5, "object": 3, "grid/i3d": 4}


@pytest.fixture
def clean_registry(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})


def test_arguments_are_kept_as_the_outermost_constructor_got_them():
    model = STATCaptioner(
        12, appearance_channels=4, stream_channels=4, hidden_channels=4, attention_channels=4
    )
    assert model.config["vocab_size"] == 12
    assert (model.config["appearance_channels"], model.config["dropout"]) == (4, 0.5)
    assert json_arguments(STATCaptioner, model.config) == model.config


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"vocab_size": 4}, "'vocab_size': input should be greater than or equal to 5, got 4"),
        ({"hidden_channels": True}, "'hidden_channels': input should be a valid integer, got True"),
        ({"dropout": 1.0}, "'dropout': input should be less than 1"),
        ({"pool": "max"}, "'pool': input should be 'mean' or 'attention', got 'max'"),
        (
            {"hiden_channels": 3},
            "'hiden_channels' is not an argument of STGraphCaptioner; did you mean 'hidden_channels'",
        ),
    ],
)
def test_a_wrong_argument_is_named(arguments, named):
    with pytest.raises(ArgumentError, match=named):
        STGraphCaptioner(**{"vocab_size": 12, "appearance_channels": 5, "branches": ["scene"], **arguments})


def test_a_missing_argument_is_named():
    with pytest.raises(ArgumentError, match="'vocab_size' must be given to STATCaptioner"):
        STATCaptioner()


def test_a_constructor_must_name_its_arguments():
    class Loose(CaptioningModel):
        name = "loose"

        def __init__(self, **options):
            super().__init__()

        def encode(self, graph, branch):
            return None

    with pytest.raises(OptionError, match=r"must name its arguments, got '\*options'"):
        Loose(a=1)


def test_sizes_come_from_the_data():
    model = STGraphCaptioner.for_data(Sizes(), hidden_channels=8, num_heads=2, feedforward_channels=8)
    assert (model.config["vocab_size"], model.max_length) == (12, 7)
    assert (model.config["appearance_channels"], model.config["object_channels"]) == (5, 3)
    assert STATCaptioner.for_data(Sizes(), streams=["object"]).streams("stat") == ("object",)
    assert STaTSCaptioner.for_data(Sizes()).streams("stats") == ("object",)
    grids = STaTSCaptioner.for_data(Sizes(), streams=["grid/i3d"])
    assert grids.config["grid_channels"] == {"grid/i3d": 4}
    assert Pooled.for_data(Sizes()).config == {
        "vocab_size": 12,
        "object_channels": 3,
        "hidden_channels": 8,
        "max_length": 7,
    }


@pytest.mark.parametrize(
    ("model", "arguments", "named"),
    [
        (
            STATCaptioner,
            {"streams": ["motion"]},
            "'streams' asks for 'motion' features, but the data have only",
        ),
        (
            STATCaptioner,
            {"streams": ["grid/i3d"]},
            "'streams' must be some of appearance, motion, object for 'stat'",
        ),
        (
            STATCaptioner,
            {"categories": True},
            "'categories' must be false for 'stat', which does not read them",
        ),
        (
            STaTSCaptioner,
            {"categories": True},
            "'categories' must be false because no training video has a category",
        ),
    ],
)
def test_data_that_do_not_fit_are_named(model, arguments, named):
    with pytest.raises(ArgumentError, match=named):
        model.for_data(Sizes(), **arguments)


def test_a_branch_without_its_features_is_named():
    @dataclass
    class Boxes(Sizes):
        widths: ClassVar[dict] = {"object": 3}

    with pytest.raises(
        OptionError, match=r"scene branch .* needs 'appearance' features, but the data have only object"
    ):
        STGraphCaptioner.for_data(Boxes())


def test_models_are_found_by_name(clean_registry):
    assert find_model("stgkd") is STGraphCaptioner
    assert register_model(Pooled) is Pooled
    assert find_model("pooled") is Pooled
    assert model_names() == ["pooled", "stat", "stats", "stgkd"]
    with pytest.raises(
        OptionError, match=r"'model.name' must be one of .*, got 'stgk'. Did you mean 'stgkd'\?"
    ):
        find_model("stgk")


def test_a_name_belongs_to_one_model(clean_registry):
    register_model(Pooled)
    with pytest.raises(OptionError, match="The name 'pooled' belongs to another model"):
        register_model(type("Other", (Pooled,), {"name": "pooled", "__qualname__": "Other"}))
    with pytest.raises(OptionError, match="belongs to another model"):
        register_model(type("Taken", (Pooled,), {"name": "stat"}))
    with pytest.raises(OptionError, match="must be a subclass of CaptioningModel"):
        register_model(dict)


def test_installed_models_are_found_without_being_registered(tmp_path, monkeypatch, clean_registry):
    source = "from tests.models.test_captioning_model import Pooled\n\n\nclass Installed(Pooled):\n    name = 'installed'\n"
    install_package(tmp_path, monkeypatch, {"their_models": source}, {"stgraph.models": {
        "installed": "their_models:Installed", "wrong": "their_models:Pooled"}})  # fmt: skip
    assert find_model("installed").__name__ == "Installed"
    with pytest.raises(
        OptionError, match="entry point 'wrong' of stgraph.models must lead to a CaptioningModel"
    ):
        find_model("wrong")
