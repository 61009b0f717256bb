import pytest
import torch

from stgraph.nn import (
    AllRegionsAttention,
    LSTMPool,
    MeanPool,
    MeanThenTemporalAttention,
    RankedPool,
    RegionAttention,
    SpatioTemporalAttention,
    TimeAveragedAttention,
    WithMean,
)
from tests.nn.attention.test_ranked_attention import lstm_weights
from tests.nn.attention.videos import WITH_REGIONS, attention_weights, check_all_learn, ragged, sharpen
from tests.reference import stats

POOLS = {
    "mean": MeanPool,
    "lstm": lambda: LSTMPool(5),
    "mean_lstm": lambda: WithMean(5, LSTMPool(5)),
    "ranked": lambda: RankedPool(5, 1.5),
    "mean_ranked": lambda: WithMean(5, RankedPool(5, 1.5)),
}


def make(module):
    torch.manual_seed(0)
    return sharpen(module(), 2.0), torch.randn(4, 3).double()


def pooled(name, pool, frames):
    """The pools of Table 2 in loops."""
    if name == "mean":
        return stats.mean(frames)
    inner = pool.pool if name.startswith("mean_") else pool
    last = stats.read_by_lstm(frames, lstm_weights(inner.read.lstm))
    if not name.startswith("mean_"):
        return last
    return pool.join.weight.detach() @ torch.cat([stats.mean(frames), last]) + pool.join.bias.detach()


@pytest.mark.parametrize("name", POOLS)
def test_spatial_attention_then_each_pool(name):
    layer, query = make(lambda: SpatioTemporalAttention(RegionAttention(5, 3, 4), POOLS[name]()))
    videos, regions, mask = ragged(WITH_REGIONS)
    out = layer(query, regions, mask, layer.precompute(regions, mask))
    for p, video in enumerate(videos):
        weights = attention_weights(layer.spatial.attention)
        frames, _ = stats.within_frames(query[p], video, weights)
        torch.testing.assert_close(out.vector[p].detach(), pooled(name, layer.pool, frames))
    assert (out.ranking is not None) == ("ranked" in name)
    check_all_learn(layer, out.vector)


def test_ranking_terms_are_those_of_the_attended_frames():
    layer, query = make(lambda: SpatioTemporalAttention(TimeAveragedAttention(5, 3, 4), RankedPool(5, 1.5)))
    regions = torch.randn(1, 4, 3, 5).double()
    mask = torch.ones(1, 4, 3, dtype=torch.bool)
    out = layer(query[:1], regions, mask, layer.precompute(regions, mask))
    video = [list(frame) for frame in regions[0]]
    frames, _ = stats.time_averaged(query[0], video, attention_weights(layer.spatial.attention))
    torch.testing.assert_close(out.ranking[0].tolist(), stats.ranking(out.vector[0].detach(), frames, 1.5))
    out.ranking.sum().backward()
    # The loss detaches the frames, but w is computed from them, so spatial attention gets a gradient through w.
    assert all(p.grad.abs().sum() > 1e-9 for p in layer.parameters())


ROWS = {
    "all_regions": (AllRegionsAttention, stats.all_regions),
    "mean_then_temporal": (MeanThenTemporalAttention, stats.mean_then_temporal),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows_without_spatial_attention(name):
    module, oracle = ROWS[name]
    layer, query = make(lambda: module(5, 3, 4))
    videos, regions, mask = ragged(WITH_REGIONS)
    out = layer(query, regions, mask, layer.precompute(regions, mask))
    for p, video in enumerate(videos):
        expected = oracle(query[p], video, attention_weights(layer.attention))
        torch.testing.assert_close(out.vector[p].detach(), expected)
    (weights,) = out.weights.values()
    torch.testing.assert_close(weights.flatten(1).sum(1), torch.ones(4).double())
    check_all_learn(layer, out.vector)


def test_a_video_without_regions_is_finite_in_every_row():
    _, regions, mask = ragged(([2, 1], [0, 0]))
    rows = [
        lambda pool=pool: SpatioTemporalAttention(RegionAttention(5, 3, 4), pool()) for pool in POOLS.values()
    ]
    rows += [lambda module=module: module(5, 3, 4) for module, _ in ROWS.values()]
    for row in rows:
        layer, query = make(row)
        out = layer(query[:2], regions, mask, layer.precompute(regions, mask))
        out.vector.square().sum().backward()
        assert torch.isfinite(out.vector).all()
        assert all(torch.isfinite(p.grad).all() for p in layer.parameters())
        assert all(weights[1].abs().sum() == 0 for weights in out.weights.values())
