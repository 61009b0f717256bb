"""How a model folder keeps the graph that its model was trained on."""

import os

import pytest
import torch
from pydantic import ValidationError

from stgraph import VideoGraphBuilder
from stgraph.errors import MissingDataError, ModelFolderError
from stgraph.graph import CosineEdges, GraphConfig, IouEdges
from stgraph.models import (
    ModelConfig,
    STATCaptioner,
    STaTSCaptioner,
    load_model,
    read_model_config,
    save_model,
)
from stgraph.text import CaptionTokenizer
from tests.graph.samples import random_video
from tests.nn.conv.test_residual_gcn_conv import CHANNELS

TOKENIZER = CaptionTokenizer.from_captions(["a b c d e f g h"])
VIDEOS = [random_video(seed) for seed in range(3)]
OLD = {"spatial": "iou", "temporal": "cosine", "dense": False, "max_objects": 3}
OLD |= {"score_threshold": 0.4, "pad_objects": None}


@pytest.mark.parametrize(
    ("changed", "builder"),
    [
        ({}, VideoGraphBuilder(max_objects=3, score_threshold=0.4)),
        ({"spatial": "self", "temporal": None}, VideoGraphBuilder("self", None, 3, 0.4)),
        ({"spatial": None, "temporal": None}, VideoGraphBuilder(None, None, 3, 0.4)),
        ({"spatial": None, "temporal": None, "dense": True}, VideoGraphBuilder.dense(3, 0.4)),
        ({"spatial_temperature": 0.1}, VideoGraphBuilder(IouEdges(0.1), "cosine", 3, 0.4)),
        (
            {"temporal_temperature": 0.2, "center_features": True, "temporal_direction": "both"},
            VideoGraphBuilder("iou", CosineEdges(0.2, center=True, direction="both"), 3, 0.4),
        ),
    ],
)
def test_settings_make_the_builder_that_they_name(changed, builder):
    settings = GraphConfig.model_validate({**OLD, **changed})
    assert GraphConfig.model_validate_json(settings.model_dump_json()) == settings
    got, expected = settings.build().build_batch(VIDEOS), builder.build_batch(VIDEOS)
    for name in ("edge_index", "edge_weight", "edge_kind"):
        assert torch.equal(got[name], expected[name]), name


@pytest.mark.parametrize(
    ("changed", "field", "says"),
    [
        ({"spatial": "me"}, "spatial", "should be 'iou', 'self' or 'nearest'"),
        ({"spatial_temperature": 0}, "spatial_temperature", "greater than or equal to 0.001"),
        ({"temporal_temperature": float("inf")}, "temporal_temperature", "finite"),
        ({"temporal_direction": "back"}, "temporal_direction", "should be 'forward' or 'both'"),
        (
            {"spatial": "self", "spatial_temperature": 0.5},
            "spatial_temperature",
            "must stay 1.0 .* 'iou' edges",
        ),
        ({"temporal": None, "center_features": True}, "center_features", "must stay False .* 'cosine' edges"),
        ({"temporal": None, "temporal_direction": "both"}, "temporal_direction", "must stay forward"),
        ({"dense": True, "temporal_temperature": 0.5}, "temporal_temperature", "must stay 1.0"),
    ],
)
def test_wrong_settings_are_named(changed, field, says):
    with pytest.raises(ValidationError, match=says) as caught:
        GraphConfig.model_validate({**OLD, **changed})
    assert caught.value.errors()[0]["loc"] == (field,)


SIZES = {"vocab_size": 12, "attention_channels": 4, "word_channels": 4, "hidden_channels": 6}
CAPTIONERS = {
    "stat": STATCaptioner(**SIZES, stream_channels=5, appearance_channels=5, object_channels=CHANNELS),
    "stats": STaTSCaptioner(**SIZES, embedding_channels=5, grid_channels={"grid/rgb": 4}, num_categories=2),
}


def described(model, **changed):
    return ModelConfig(
        stgraph="0",
        model=model.name,
        arguments={**model.config, **changed},
        graph=GraphConfig(),
        extractors={},
        categories=("cars", "pets") if model.name == "stats" else (),
    )


@pytest.mark.parametrize("name", CAPTIONERS)
def test_every_system_comes_back_as_it_was(name, tmp_path):
    model = CAPTIONERS[name]
    save_model(tmp_path, model, described(model), TOKENIZER)
    description = read_model_config(tmp_path)
    assert description == described(model)
    found = load_model(tmp_path, description)
    assert (type(found), found.config, found.training) == (type(model), model.config, False)
    assert found.streams(name) == {"stat": ("appearance", "object"), "stats": ("grid/rgb",)}[name]
    state = model.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in found.state_dict().items())


def test_settings_that_contradict_each_other_are_named(tmp_path):
    model = CAPTIONERS["stats"]
    save_model(tmp_path, model, described(model, attention="ts", temporal="lstm"), TOKENIZER)
    with pytest.raises(ModelFolderError, match="config.json, arguments: 'temporal' must stay 'mean_ranked'"):
        load_model(tmp_path)


def test_a_save_that_stops_leaves_no_model_of_two(tmp_path, monkeypatch):
    """Of two models of equal sizes, weights of the one would answer with words of the other."""
    model = CAPTIONERS["stat"]
    save_model(tmp_path, model, described(model), TOKENIZER)
    others = CaptionTokenizer.from_captions(["h g f e d c b a a b"])
    real = os.replace

    def stop(source, target):
        if str(target).endswith("safetensors"):
            raise KeyboardInterrupt
        real(source, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "replace", stop)
        save_model(tmp_path, model, described(model), others)
    with pytest.raises(MissingDataError):
        load_model(tmp_path)
