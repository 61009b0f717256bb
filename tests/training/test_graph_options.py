"""Graphs that take something away and what the object branch may have past the paper: each trains and comes back."""

import json

import pytest
import torch

from stgraph import CaptionPipeline
from stgraph.errors import OptionError
from stgraph.graph import CosineEdges, IouEdges
from stgraph.nn import FrameAttentionPool, RelativeGeometry
from stgraph.settings.training import train

SHORT = ("trainer.max_epochs=1", "model.branches=[object]")
CASES = {
    "A = I": ("graph=identity",),
    "A = 0": ("graph=none",),
    "no layers": ("model.num_graph_layers=0",),
    "past the paper": (
        "graph.spatial_temperature=0.1",
        "graph.temporal_temperature=0.05",
        "graph.center_features=true",
        "graph.temporal_direction=both",
        "graph.pad_objects=5",
        "model.pool=attention",
        "model.edge_geometry=true",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_trains_and_its_folder_gives_the_same_model(case, tiny):
    config = tiny(*SHORT, *CASES[case])
    run = train(config)
    captioner = CaptionPipeline.from_pretrained(run)
    encoder = captioner.model.encoders["object"]
    log = (run / "log" / "version_0" / "metrics.csv").read_text()
    assert "nan" not in log.lower()
    if case == "past the paper":
        assert list(captioner.builder.rules.values()) == [IouEdges(0.1), CosineEdges(0.05, True, "both")]
        assert isinstance(encoder.pool, FrameAttentionPool)
        assert isinstance(encoder.geometry, RelativeGeometry)
        assert encoder.geometry.log_factor.weight.abs().sum() > 0  # it has left the paper's graph
    else:
        assert len(encoder.layers) == (0 if case == "no layers" else 3)
        names = [getattr(rule, "__name__", "") for rule in captioner.builder.rules.values()]
        assert case == "no layers" or names == (["self_edges"] if case == "A = I" else [])


def test_a_folder_written_before_the_options_is_the_papers(folder):
    path = folder / "config.json"
    content = json.loads(path.read_text())
    before = CaptionPipeline.from_pretrained(folder)
    for name in ("spatial_temperature", "temporal_temperature", "center_features", "temporal_direction"):
        del content["graph"][name]
    for name in ("pool", "edge_geometry"):
        del content["arguments"][name]
    path.write_text(json.dumps(content))
    after = CaptionPipeline.from_pretrained(folder)
    assert after.config.graph == before.config.graph
    assert after.model.config == before.model.config
    for name, value in after.model.state_dict().items():
        assert torch.equal(value, before.model.state_dict()[name])


@pytest.mark.parametrize(
    ("override", "says"),
    [
        (
            "graph.spatial_temperature=0",
            "'graph.spatial_temperature': input should be .* 0.001, got 0; correct it",
        ),
        ("graph.temporal_direction=back", "'graph.temporal_direction': .* 'forward' or 'both', got 'back'"),
        ("graph.spatial=dense", "'graph.spatial': .* got 'dense'"),
        ("model.pool=max", "'model.pool': input should be 'mean' or 'attention', got 'max'"),
    ],
)
def test_wrong_values_are_named_with_their_setting(override, says, tiny):
    with pytest.raises(OptionError, match=says):
        train(tiny(override))
