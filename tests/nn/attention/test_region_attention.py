import pytest
import torch

from stgraph.errors import ShapeError
from stgraph.nn import RegionAttention, pad_regions
from tests.nn.attention.videos import attention_weights, check_all_learn, ragged, sharpen
from tests.reference.stat import local_frames


def make():
    torch.manual_seed(0)
    return sharpen(RegionAttention(5, 3, 4)), torch.randn(4, 3).double()


def test_equals_the_loops_over_ragged_regions():
    layer, query = make()
    videos, regions, mask = ragged()
    with torch.no_grad():
        frames, weights = layer(query, regions, mask, layer.precompute(regions, mask))
    for p, video in enumerate(videos):
        expected, shares = local_frames(query[p], video, attention_weights(layer.attention))
        for t, (frame, share) in enumerate(zip(expected, shares, strict=True)):
            torch.testing.assert_close(frames[p, t], torch.zeros(5).double() if frame is None else frame)
            torch.testing.assert_close(weights[p, t, : len(share)].tolist(), share)
        assert weights[p, len(video) :].abs().sum() == frames[p, len(video) :].abs().sum() == 0


def test_a_grid_is_regions_without_gaps():
    layer, query = make()
    x = torch.randn(2, 3, 6, 5).double()
    full = torch.ones(2, 3, 6, dtype=torch.bool)
    grid, weights = layer(query[:2], x, full, layer.precompute(x, full))
    packed, mask = pad_regions(x.flatten(0, 2), torch.arange(6).repeat_interleave(6), torch.tensor([3, 3]))
    assert mask.all()
    torch.testing.assert_close(layer(query[:2], packed, mask, layer.precompute(packed, mask))[0], grid)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3).double())


def test_every_parameter_learns():
    layer, query = make()
    _, regions, mask = ragged()
    check_all_learn(layer, layer(query, regions, mask, layer.precompute(regions, mask))[0])


def test_padding_places_regions_by_frame():
    x = torch.arange(1.0, 7.0)[:, None]
    block, mask = pad_regions(x, torch.tensor([0, 2, 2, 4, 4, 4]), torch.tensor([1, 0, 4]))
    assert block[..., 0].tolist() == [
        [[1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]],
        [[0, 0, 0]] * 4,
        [[0, 0, 0], [2, 3, 0], [0, 0, 0], [4, 5, 6]],
    ]
    assert mask.tolist() == (block[..., 0] > 0).tolist()
    nothing, none = pad_regions(x[:0], torch.zeros(0, dtype=torch.long), torch.tensor([2, 1]))
    assert nothing.shape == (2, 2, 1, 1)
    assert not none.any()


def test_regions_keep_their_gradients_through_padding():
    x = torch.randn(3, 2, requires_grad=True)
    pad_regions(x, torch.tensor([0, 2, 2]), torch.tensor([2, 1]))[0].square().sum().backward()
    torch.testing.assert_close(x.grad, 2 * x.detach())


def test_wrong_input_is_named():
    with pytest.raises(ShapeError, match=r"'frame' must be \[N=3\], got \[2\]"):
        pad_regions(torch.zeros(3, 1), torch.tensor([0, 1]), torch.tensor([2]))
