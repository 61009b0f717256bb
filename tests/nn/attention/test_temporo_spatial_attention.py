import pytest
import torch

from stgraph.errors import OptionError
from stgraph.nn import TemporoSpatialAttention
from tests.nn.attention.videos import (
    COUNTS,
    WITH_REGIONS,
    attention_weights,
    check_all_learn,
    ragged,
    sharpen,
)
from tests.reference.stats import temporo_spatial


def make(**options):
    torch.manual_seed(0)
    return sharpen(TemporoSpatialAttention(5, 3, 4, **options)), torch.randn(4, 3).double()


@pytest.mark.parametrize("select", ["softmax", "argmax"])
def test_equals_the_loops(select):
    layer, query = make(frame_select=select)
    layer.eval()
    videos, regions, mask = ragged(WITH_REGIONS)
    with torch.no_grad():
        out = layer(query, regions, mask, layer.precompute(regions, mask))
    weights = attention_weights(layer.frames), attention_weights(layer.regions)
    for p, video in enumerate(videos):
        expected = temporo_spatial(query[p], video, *weights, hard=select == "argmax")
        torch.testing.assert_close(out.vector[p], expected)


def test_a_low_temperature_comes_to_the_choice_of_one_frame():
    _, regions, mask = ragged(WITH_REGIONS)
    soft, query = make(temperature=1e-5)
    hard, _ = make(frame_select="argmax")
    both = [m.eval()(query, regions, mask, m.precompute(regions, mask)) for m in (soft, hard)]
    torch.testing.assert_close(both[0].vector, both[1].vector)
    assert both[1].weights["ts_frames"].sum(1).tolist() == [1.0] * 4


def test_training_stays_soft_so_that_all_learn():
    layer, query = make(frame_select="argmax")
    _, regions, mask = ragged(COUNTS)
    check_all_learn(layer, layer(query, regions, mask, layer.precompute(regions, mask)).vector)


@pytest.mark.parametrize("select", ["softmax", "argmax"])
def test_nothing_to_choose_gives_zeros(select):
    layer, query = make(frame_select=select)
    _, regions, mask = ragged(COUNTS)
    out = layer.eval()(query, regions, mask, layer.precompute(regions, mask))
    assert out.vector[2].tolist() == [0.0] * 5
    assert out.weights["ts_frames"][2].sum() == 0


def test_wrong_choice_is_named():
    with pytest.raises(OptionError, match="'frame_select' must be one of .* got 'max'"):
        make(frame_select="max")
