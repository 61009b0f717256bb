import pytest
import torch

from stgraph.errors import OptionError
from stgraph.nn import (
    BranchCombination,
    MeanPool,
    RankedPool,
    RegionAttention,
    SpatioTemporalAttention,
    STaTSAttention,
    TemporoSpatialAttention,
)
from tests.nn.attention.test_branch_combination import combination_weights
from tests.nn.attention.videos import WITH_REGIONS, attention_weights, check_all_learn, ragged, sharpen
from tests.reference import stats


def make(st=True, ts=True, pool=MeanPool):
    torch.manual_seed(0)
    layer = STaTSAttention(
        SpatioTemporalAttention(RegionAttention(5, 3, 4), pool()) if st else None,
        TemporoSpatialAttention(5, 3, 4) if ts else None,
        BranchCombination(5, 3, 4) if st and ts else None,
    )
    return sharpen(layer), torch.randn(4, 3).double()


@pytest.mark.parametrize(("st", "ts"), [(True, True), (True, False), (False, True)])
def test_equals_the_loops(st, ts):
    layer, query = make(st, ts)
    videos, regions, mask = ragged(WITH_REGIONS)
    out = layer(query, regions, mask, layer.precompute(regions, mask))
    for p, (video, h) in enumerate(zip(videos, query, strict=True)):
        parts = []
        if st:
            weights = attention_weights(layer.spatio_temporal.spatial.attention)
            parts.append(stats.mean(stats.within_frames(h, video, weights)[0]))
        if ts:
            both = (layer.temporo_spatial.frames, layer.temporo_spatial.regions)
            parts.append(stats.temporo_spatial(h, video, *map(attention_weights, both)))
        if len(parts) == 2:
            expected = stats.combine(h, *parts, combination_weights(layer.combination))
        else:
            expected = torch.tanh(parts[0])
        torch.testing.assert_close(out.vector[p].detach(), expected)
    assert ("branches" in out.weights) == (st and ts)
    check_all_learn(layer, out.vector)


def test_ranking_terms_are_handed_on():
    layer, query = make(pool=lambda: RankedPool(5))
    _, regions, mask = ragged(WITH_REGIONS)
    memory = layer.precompute(regions, mask)
    expected = layer.spatio_temporal(query, regions, mask, memory.spatio_temporal).ranking
    torch.testing.assert_close(layer(query, regions, mask, memory).ranking, expected)


def test_wrong_parts_are_named():
    with pytest.raises(OptionError, match="'spatio_temporal' or 'temporo_spatial' must be given"):
        STaTSAttention(None, None)
    with pytest.raises(OptionError, match="'combination' must be None for one branch, got BranchCombination"):
        STaTSAttention(None, TemporoSpatialAttention(5, 3, 4), BranchCombination(5, 3, 4))
