import math

import pytest
import torch

from stgraph.errors import ShapeError
from stgraph.nn import doubly_stochastic_penalty
from tests.reference.stat import doubly_stochastic

FRAMES, REGIONS, WORDS = (4, 2), ([3, 0, 1], [2, 2, 0]), (3, 1)


def padded():
    torch.manual_seed(0)
    frames = torch.arange(4) < torch.tensor(FRAMES)[:, None]
    regions = torch.arange(3) < torch.tensor(REGIONS)[..., None]
    words = torch.arange(3) < torch.tensor(WORDS)[:, None]
    weights = {"frames": torch.rand(2, 3, 4), "regions": torch.rand(2, 3, 3, 3)}
    return weights, {"frames": frames, "regions": regions}, words


def test_equals_the_loops_over_what_is_real():
    weights, masks, words = padded()
    captions = [
        [[row[masks[name][p]].double().tolist() for row in weights[name][p, : WORDS[p]]] for p in range(2)]
        for name in weights
    ]
    out = doubly_stochastic_penalty(weights, masks, words)
    assert math.isclose(out, doubly_stochastic(captions), rel_tol=1e-6)


def test_without_padding_it_is_the_mean_of_the_sum_over_the_batch():
    weights, masks, words = padded()
    every = {name: torch.ones_like(mask) for name, mask in masks.items()}
    expected = sum((1 - value.sum(1)).square().sum(0).mean() for value in weights.values())
    torch.testing.assert_close(doubly_stochastic_penalty(weights, every, words | True), expected)


def test_captions_without_places_cost_nothing():
    weights, masks, words = padded()
    none = {name: torch.zeros_like(mask) for name, mask in masks.items()}
    assert doubly_stochastic_penalty(weights, none, words) == 0


def test_wrong_masks_are_named():
    weights, masks, words = padded()
    with pytest.raises(ShapeError, match=r"masks\['frames'\]' must be \[P=2, places=4\], got \[2, 3\]"):
        doubly_stochastic_penalty(weights, {**masks, "frames": masks["frames"][:, :3]}, words)
