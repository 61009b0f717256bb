"""Edge rules by name."""

import sys
from importlib import metadata

import pytest
import torch

from stgraph.errors import OptionError
from stgraph.graph import EdgeRule, VideoGraphBuilder, register_edge_rule
from stgraph.graph.edges import registry
from tests.graph.samples import random_video


def skip_one(boxes, features, frame):
    """Links each box to those two frames later."""
    pairs = (frame[None, :] - frame[:, None] == 2).nonzero().T
    return pairs, torch.full((pairs.size(1),), 0.5)


@pytest.fixture(autouse=True)
def clean_registry(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})


def test_a_registered_rule_is_known_by_name():
    rule: EdgeRule = register_edge_rule("skip_one", skip_one)
    assert register_edge_rule("skip_one", skip_one) is rule  # again is no error
    video = random_video(0)
    named, given = (VideoGraphBuilder("iou", temporal)(video) for temporal in ("skip_one", skip_one))
    assert torch.equal(named.edge_index, given.edge_index)
    builder = VideoGraphBuilder("iou", "skip_one", max_objects=3).config.build()
    assert builder.rules == VideoGraphBuilder("iou", skip_one, max_objects=3).config.build().rules
    with pytest.raises(OptionError, match=r"got 'skip_on'\. Did you mean 'skip_one'\?"):
        VideoGraphBuilder(temporal="skip_on")


def test_a_rule_of_an_installed_package_is_known_by_name(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "not_a_rule", 3, raising=False)
    points = [
        metadata.EntryPoint(name, f"{__name__}:{target}", registry.ENTRY_POINTS)
        for name, target in (("installed", "skip_one"), ("broken", "not_a_rule"))
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    assert VideoGraphBuilder(None, "installed").config.temporal == "installed"
    with pytest.raises(
        OptionError, match=r"'broken' of stgraph\.edge_rules must lead to an edge rule, got int"
    ):
        VideoGraphBuilder(None, "broken")


@pytest.mark.parametrize(
    ("name", "rule", "says"),
    [
        ("iou", skip_one, "'iou' belongs to another edge rule"),
        ("track", skip_one, "'track' belongs to another edge rule"),
        ("my rule", skip_one, "must be an identifier, got 'my rule'"),
        ("number", 3, "'rule' must be callable, got 3"),
    ],
)
def test_what_cannot_be_registered_is_refused(name, rule, says):
    with pytest.raises(OptionError, match=says):
        register_edge_rule(name, rule)
    register_edge_rule("taken", skip_one)
    with pytest.raises(OptionError, match="'taken' belongs to another edge rule; choose another name"):
        register_edge_rule("taken", test_what_cannot_be_registered_is_refused)


def test_a_rule_without_a_name_has_no_settings():
    with pytest.raises(
        OptionError, match=r"The edge rule 'skip_one' has no registered name.*register_edge_rule"
    ):
        _ = VideoGraphBuilder(temporal=skip_one).config
