import math

import pytest
import torch

from stgraph.errors import ShapeError
from stgraph.nn import RankedAttention, ranking_loss, ranking_terms
from tests.nn.attention.videos import check_all_learn, sharpen
from tests.reference.stats import ranking, read_by_lstm

REAL = [[0, 1, 2, 3], [0, 1], [1, 3], []]  # frames that are real: all, padded, with a gap, none


def make():
    torch.manual_seed(0)
    layer = sharpen(RankedAttention(5), 2.0)
    mask = torch.zeros(4, 4, dtype=torch.bool)
    for row, places in enumerate(REAL):
        mask[row, places] = True
    return layer, torch.randn(4, 4, 5).double().masked_fill(~mask[..., None], 50.0), mask


def lstm_weights(lstm):
    """Weights of the gates by name; torch stacks them in the order i, f, g, o."""
    parts = zip(
        lstm.weight_ih_l0.detach().chunk(4),
        lstm.weight_hh_l0.detach().chunk(4),
        (lstm.bias_ih_l0 + lstm.bias_hh_l0).detach().chunk(4),
        strict=True,
    )
    return dict(zip("ifgo", parts, strict=True))


def test_w_is_the_last_state_over_real_frames():
    layer, frames, mask = make()
    with torch.no_grad():
        out = layer(frames, mask)
    for row, places in enumerate(REAL[:3]):
        expected = read_by_lstm([frames[row, t] for t in places], lstm_weights(layer.lstm))
        torch.testing.assert_close(out[row], expected)
    assert out[3].tolist() == [0.0] * 5


def test_terms_and_loss_equal_the_loops():
    _, frames, _ = make()
    frames = frames.clamp(max=2.0)
    w = torch.randn(2, 3, 5).double()  # two captions, three words
    terms = torch.stack([ranking_terms(w[:, word], frames[:2]) for word in range(3)], 1)
    for p in range(2):
        for word in range(3):
            torch.testing.assert_close(terms[p, word].tolist(), ranking(w[p, word], list(frames[p])))
    valid = torch.tensor([[True, True, True], [True, False, False]])
    words = torch.tensor([[True, True, False], [True, False, False]])
    picked = [term for word in (0, 1) for term in ranking(w[0, word], list(frames[0]))]
    picked += ranking(w[1, 0], list(frames[1, :2]))
    assert math.isclose(ranking_loss(terms, valid, words), sum(picked) / 7)
    assert math.isclose(ranking_loss(terms, valid, words, 14), sum(picked) / 14)
    assert ranking_loss(terms, valid & False, words) == 0


def test_margin_is_the_distance_asked_for():
    line = torch.tensor([[[0.0], [1.0], [2.0]]])
    one = torch.ones(1, 1)
    torch.testing.assert_close(ranking_terms(one, line, 1.0), torch.full((1, 2), math.log(2)))
    torch.testing.assert_close(ranking_terms(one, line, 4.0), torch.full((1, 2), math.log1p(math.exp(3))))


def test_the_loss_acts_on_w_alone():
    w, frames = torch.randn(2, 5, requires_grad=True), torch.randn(2, 4, 5, requires_grad=True)
    ranking_terms(w, frames).sum().backward()
    assert w.grad.abs().sum() > 0
    assert frames.grad is None


def test_learns_to_order_frames_it_has_not_seen():
    """Frames that drift along a direction encoded in their first half, so that w must be computed from them."""
    torch.manual_seed(0)
    layer = RankedAttention(6)
    step = torch.optim.Adam(layer.parameters(), 0.02)

    def draw(count):
        turn = torch.nn.functional.normalize(torch.randn(count, 1, 6), dim=-1)
        return torch.randn(count, 1, 6) + torch.arange(6.0)[:, None] * turn + 0.1 * torch.randn(count, 6, 6)

    def in_order(frames):
        w = layer(frames, torch.ones(frames.shape[:2], dtype=torch.bool))
        along = (frames @ w[..., None])[..., 0]
        return (along[:, 1:] > along[:, :-1]).float().mean().item()

    held_out = draw(200)
    before = in_order(held_out)
    for _ in range(60):
        frames = draw(64)
        step.zero_grad()
        ranking_terms(layer(frames, torch.ones(64, 6, dtype=torch.bool)), frames).mean().backward()
        step.step()
    assert in_order(held_out) > max(before, 0.5) + 0.3


def test_every_parameter_learns():
    layer, frames, mask = make()
    check_all_learn(layer, layer(frames.clamp(max=2.0), mask))


def test_wrong_input_is_named():
    layer, frames, mask = make()
    with pytest.raises(ShapeError, match=r"'frames' must be \[P, T, D=5\]"):
        layer(frames[..., :4], mask)
    with pytest.raises(ShapeError, match=r"'valid' must be \[P=4, T-1=3\], got \[4, 4\]"):
        ranking_loss(torch.zeros(4, 2, 3), mask, torch.ones(4, 2, dtype=torch.bool))


def test_the_terms_train_the_frames_only_if_they_are_not_detached():
    ranked, frames = torch.randn(2, 3), torch.randn(2, 4, 3).requires_grad_()
    ranked.requires_grad_()
    detached, attached = ranking_terms(ranked, frames), ranking_terms(ranked, frames, detach=False)
    torch.testing.assert_close(detached, attached)
    detached.sum().backward(retain_graph=True)
    assert frames.grad is None
    assert ranked.grad.any()
    attached.sum().backward()
    assert frames.grad.any()
