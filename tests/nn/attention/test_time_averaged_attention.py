import torch

from stgraph.nn import TimeAveragedAttention
from tests.nn.attention.videos import attention_weights, check_all_learn, sharpen
from tests.reference.stats import time_averaged

LENGTHS = (4, 2)


def make():
    torch.manual_seed(0)
    layer = sharpen(TimeAveragedAttention(5, 3, 4))
    regions = torch.randn(2, 4, 6, 5).double()
    mask = torch.ones(2, 4, 6, dtype=torch.bool)
    regions[1, 2:], mask[1, 2:] = 0, False
    return layer, torch.randn(2, 3).double(), regions, mask


def test_equals_the_loops_and_replicates_to_real_frames():
    layer, query, regions, mask = make()
    with torch.no_grad():
        frames, weights = layer(query, regions, mask, layer.precompute(regions, mask))
    for p, length in enumerate(LENGTHS):
        video = [list(frame) for frame in regions[p, :length]]
        expected, shares = time_averaged(query[p], video, attention_weights(layer.attention))
        torch.testing.assert_close(frames[p, :length], torch.stack(expected))
        torch.testing.assert_close(weights[p, :length].tolist(), shares)
        assert frames[p, length:].abs().sum() == weights[p, length:].abs().sum() == 0


def test_another_order_of_frames_keeps_the_weights():
    layer, query, regions, mask = make()
    turned = regions[:1].flip(1)
    before = layer(query[:1], regions[:1], mask[:1], layer.precompute(regions[:1], mask[:1]))
    after = layer(query[:1], turned, mask[:1], layer.precompute(turned, mask[:1]))
    torch.testing.assert_close(after[1], before[1])
    torch.testing.assert_close(after[0], before[0].flip(1))


def test_every_parameter_learns():
    layer, query, regions, mask = make()
    check_all_learn(layer, layer(query, regions, mask, layer.precompute(regions, mask))[0])
