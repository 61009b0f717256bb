"""``torch.compile`` of a model gives the same logits and gradients."""

import pytest
import torch

from tests.decoding.models import BOS
from tests.decoding.systems import COUNTS, system, videos


@pytest.mark.parametrize("name", ["object", "stat", "stats"])
def test_a_compiled_model_gives_the_same_logits_and_gradients(name):
    model, batch = system(name), videos(COUNTS)
    torch.manual_seed(0)
    tokens = torch.cat([torch.full((6, 1), BOS), torch.randint(4, 30, (6, 2))], 1)
    video = torch.tensor([0, 1, 2, 3, 4, 4])

    def run(forward):
        model.zero_grad()
        logits = forward(batch, tokens, video)
        sum(each.square().mean() for each in logits.values()).backward()
        return logits, [parameter.grad.clone() for parameter in model.parameters()]

    expected, gradients = run(model)
    torch.compiler.reset()
    found, compiled_gradients = run(torch.compile(model, backend="aot_eager"))
    for branch, logits in expected.items():
        torch.testing.assert_close(found[branch], logits, atol=1e-5, rtol=1e-5)
    for gradient, other in zip(gradients, compiled_gradients, strict=True):
        torch.testing.assert_close(other, gradient, atol=1e-5, rtol=1e-4)
