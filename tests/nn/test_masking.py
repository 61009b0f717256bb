import torch

from stgraph.nn import masked_mean, masked_softmax

SCORES = torch.tensor([[0.0, 2.0, 1.0], [5.0, 1e30, -3.0], [1.0, 2.0, 3.0]])
MASK = torch.tensor([[True, True, False], [True, False, True], [False] * 3])


def test_softmax_is_that_of_the_real_entries_alone():
    out = masked_softmax(SCORES, MASK, 0.5)
    assert out[0, :2].tolist() == torch.tensor([0.0, 4.0]).softmax(0).tolist()
    torch.testing.assert_close(out[1, [0, 2]], torch.tensor([10.0, -6.0]).softmax(0))
    assert out[~MASK].tolist() == [0.0] * 5


def test_a_row_without_anything_real_has_finite_gradients():
    scores = SCORES.clone().requires_grad_()
    masked_softmax(scores, MASK).square().sum().backward()
    assert torch.isfinite(scores.grad).all()
    assert scores.grad[~MASK].abs().sum() == 0
    assert scores.grad[0, :2].abs().sum() > 0


def test_half_precision_stays_finite():
    assert torch.isfinite(masked_softmax(SCORES[[0, 2]].half(), MASK[[0, 2]])).all()


def test_mean_leaves_out_what_is_not_real_even_nan():
    x = torch.tensor([[1.0, float("nan")], [3.0, 4.0]])[..., None]
    mask = torch.tensor([[True, False], [True, True]])
    assert masked_mean(x, mask, 1)[:, 0].tolist() == [1.0, 3.5]
    assert masked_mean(x, torch.zeros_like(mask), 1)[:, 0].tolist() == [0.0, 0.0]
