import pytest
import torch

from stgraph.errors import OptionError
from stgraph.nn import STATAttention
from tests.nn.attention.videos import COUNTS, attention_weights, check_all_learn, ragged, sharpen
from tests.reference.stat import context

ROWS = [
    ("global", "motion", "local"),
    ("global", "motion"),
    ("global",),
    ("local",),
]


def make(streams=ROWS[0], spatial=True):
    torch.manual_seed(0)
    layer = sharpen(STATAttention(5, 3, 4, streams=streams, spatial=spatial))
    return layer, torch.randn(4, 3).double()


def stat_weights(layer):
    """Weights of the layer, named as in the formulas."""
    named = {name: attention_weights(part) for name, part in layer.temporal.items()}
    if layer.spatial is not None:
        named["spatial"] = attention_weights(layer.spatial.attention)
    return {**named, "gate": layer.gate.weight.detach()[0], "gate_b": layer.gate.bias.item()}


def inputs():
    videos, regions, region_mask = ragged(COUNTS)
    mask = torch.arange(5) < torch.tensor([[len(video)] for video in videos])
    streams = {name: torch.randn(4, 5, 5).double() * mask[..., None] for name in ("global", "motion")}
    return videos, {**streams, "local": regions}, mask, region_mask


@pytest.mark.parametrize("spatial", [True, False])
@pytest.mark.parametrize("streams", ROWS)
def test_equals_the_loops(streams, spatial):
    layer, query = make(streams, spatial)
    videos, tensors, mask, region_mask = inputs()
    out = layer(query, layer.precompute(tensors, mask, region_mask))
    for p, video in enumerate(videos):
        rows = {name: list(tensors[name][p, : len(video)]) for name in streams if name != "local"}
        if "local" in streams:
            rows["local"] = video
        expected, maps = context(query[p], rows, stat_weights(layer), spatial)
        torch.testing.assert_close(out.vector[p].detach(), expected + torch.zeros(5).double())
        for name in streams:
            torch.testing.assert_close(out.weights[name][p, : len(video)].tolist(), maps[name])
        if "regions" in out.weights:
            for t, share in enumerate(maps["regions"]):
                torch.testing.assert_close(out.weights["regions"][p, t, : len(share)].tolist(), share)
    assert ("regions" in out.weights) == (spatial and "local" in streams)
    check_all_learn(layer, out.vector)


def test_wrong_streams_are_named():
    with pytest.raises(OptionError, match="'streams' must be some of .* got \\('flow',\\)"):
        STATAttention(5, 3, 4, streams=("flow",))
    with pytest.raises(OptionError, match="'streams' must be some of"):
        STATAttention(5, 3, 4, streams=())
