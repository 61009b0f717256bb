"""Settings of a builder: derived from it, and enough to build it again."""

import pytest
import torch

from stgraph.errors import OptionError
from stgraph.graph import (
    CosineEdges,
    GraphConfig,
    IouEdges,
    NearestEdges,
    TrackEdges,
    VideoGraphBuilder,
    cosine_edges,
    iou_edges,
)
from tests.graph.samples import random_video

VIDEOS = [random_video(seed) for seed in range(3)]
BUILDERS = [
    VideoGraphBuilder(),
    VideoGraphBuilder(iou_edges, cosine_edges, 3, 0.4),
    VideoGraphBuilder(IouEdges(0.1), CosineEdges(0.2, center=True, direction="both"), 3, 0.4, 4),
    VideoGraphBuilder("self", None),
    VideoGraphBuilder(None, None, 2),
    VideoGraphBuilder(None, "track"),
    VideoGraphBuilder("iou", TrackEdges(0.5)),
    VideoGraphBuilder("nearest", TrackEdges(hops=(1, 2))),
    VideoGraphBuilder(NearestEdges(1), None),
    VideoGraphBuilder.dense(2, 0.5, 3),
]


@pytest.mark.parametrize("builder", BUILDERS, ids=repr)
def test_a_builder_is_built_again_from_its_settings(builder):
    settings = builder.config
    assert GraphConfig.model_validate_json(settings.model_dump_json()) == settings
    assert settings.build().config == settings
    got, expected = settings.build().build_batch(VIDEOS), builder.build_batch(VIDEOS)
    for name in ("x", "edge_index", "edge_weight", "edge_kind"):
        assert torch.equal(got[name], expected[name]), name


def test_the_default_keeps_every_box():
    assert VideoGraphBuilder().config == GraphConfig()
    assert GraphConfig().build()(VIDEOS[0]).num_nodes == len(VIDEOS[0])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"temporal": "mine"},
            "should be 'cosine' or 'track', or null, got 'mine'; register the rule, or install",
        ),
        ({"track_decay": 1.0}, "must stay None in a graph without 'track' edges"),
        ({"nearest_k": 2}, "must stay 3 in a graph without 'nearest' edges"),
        ({"temporal": "track", "track_decay": 0.0}, "greater than 0"),
        ({"max_objects": 0}, "greater than or equal to 1"),
        ({"score_threshold": float("nan")}, "finite"),
        ({"pad_objects": 1001, "max_objects": 5}, "pad_objects"),
        ({"colour": 1}, "'colour' is not an argument of GraphConfig"),
    ],
)
def test_wrong_settings_are_named(given, says):
    with pytest.raises(OptionError, match=says):
        GraphConfig(**given)
