import pytest
import torch

from stgraph.errors import ShapeError
from stgraph.nn import FrameAttentionPool, FrameMeanPool
from tests.reference.graph_options import attention_pool

X = torch.randn(7, 3, generator=torch.Generator().manual_seed(0))
FRAME = torch.tensor([1, 1, 1, 2, 4, 4, 4])


def trained():
    """A pool whose scores differ between nodes."""
    torch.manual_seed(0)
    pool = FrameAttentionPool(3)
    torch.nn.init.normal_(pool.score.weight, std=2)
    return pool


def test_equals_the_loops_and_is_zero_for_empty_frames():
    pool = trained()
    with torch.no_grad():
        out = pool(X, FRAME, 6)
    expected = attention_pool(
        X, FRAME.tolist(), 6, pool.hidden.weight, pool.hidden.bias, pool.score.weight[0]
    )
    torch.testing.assert_close(out.double(), expected.detach(), atol=1e-6, rtol=0)
    assert not torch.allclose(out, FrameMeanPool()(X, FRAME, 6), atol=0.05)
    assert out[[0, 3, 5]].abs().sum() == 0


def test_starts_as_the_mean_and_leaves_it_by_the_second_step():
    pool = FrameAttentionPool(3)
    torch.testing.assert_close(pool(X, FRAME, 6), FrameMeanPool()(X, FRAME, 6))
    step = torch.optim.SGD(pool.parameters(), 0.1)
    for _ in range(2):
        step.zero_grad()
        pool(X, FRAME, 6).square().sum().backward()
        step.step()
    assert all(parameter.grad.abs().sum() > 0 for parameter in pool.parameters())


def test_gradients_and_no_nodes():
    pool = trained().double()
    names = dict(pool.named_parameters())

    def call(x, *values):
        return torch.func.functional_call(pool, dict(zip(names, values, strict=True)), (x, FRAME, 6))

    assert torch.autograd.gradcheck(call, (X.double().requires_grad_(), *names.values()))
    nothing = trained()(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long), 3)
    assert nothing.tolist() == [[0, 0, 0]] * 3


def test_nodes_may_come_in_another_order():
    order = torch.tensor([6, 2, 3, 0, 5, 1, 4])
    torch.testing.assert_close(trained()(X[order], FRAME[order], 6), trained()(X, FRAME, 6))


def test_large_scores_stay_finite():
    pool = trained()
    with torch.no_grad():
        pool.score.weight.mul_(1e6)
    assert torch.isfinite(pool(X, FRAME, 6)).all()


def test_wrong_input_is_named():
    with pytest.raises(ShapeError, match=r"'x' must be \[N, channels=3\], got \[2, 4\]"):
        trained()(torch.zeros(2, 4), torch.zeros(2, dtype=torch.long), 1)
    with pytest.raises(ShapeError, match="'frame' must be"):
        trained()(X, FRAME[:-1], 6)
