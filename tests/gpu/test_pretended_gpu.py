"""No tensor is made on the CPU where the videos are on a GPU; without a GPU, by one that is pretended."""

import pytest
import torch

from tests.gpu import checks
from tests.gpu.pretended import CUDA, PretendedGpu, on_gpu

MODELS = checks.models()


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(
            found[name], value, atol=1e-5, rtol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
        )


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: x + torch.ones(3),
        lambda x: torch.cat([x, torch.zeros(3)]),
        lambda x: x.index_select(0, torch.arange(2)),
        lambda x: torch.zeros(3)[x.long()],
        lambda x: x.scatter_add(0, torch.arange(3), x),
    ],
)
def test_the_pretended_gpu_refuses_what_a_gpu_refuses(wrong):
    with PretendedGpu(), pytest.raises(RuntimeError, match="CPU"):
        wrong(torch.ones(3, device="cuda"))


def test_the_pretended_gpu_computes_and_says_where():
    with PretendedGpu():
        x = torch.arange(3.0).to("cuda")
        assert (x * 2 + torch.tensor(1.0)).device == CUDA
        assert x.new_zeros(2).is_cuda
        assert torch.zeros(2, device=x.device).device == CUDA
        assert not x.cpu().is_cuda
        assert x.sum().item() == 3


@pytest.mark.parametrize("name", MODELS)
def test_models_decode_and_train(name):
    model = MODELS[name]
    expected = (
        checks.logits(model, "cpu"),
        checks.captions(model, "cpu"),
        checks.training_step(name, model, "cpu"),
    )
    with PretendedGpu() as gpu:
        gpu.move(model)
        found = (
            checks.logits(model, CUDA),
            checks.captions(model, CUDA),
            checks.training_step(name, model, CUDA),
        )
    for one, other in zip(found, expected, strict=True):
        same(one, other)
    assert all(on_gpu(each) for each in model.parameters())


@pytest.mark.parametrize("name", checks.BUILDERS)
def test_graphs_are_built_where_the_detections_are(name):
    expected = checks.built(name, "cpu")
    with PretendedGpu():
        same(checks.built(name, CUDA), expected)


def test_the_graph_encoder():
    expected = checks.encoded("cpu", lambda module: module)
    with PretendedGpu() as gpu:
        torch.testing.assert_close(checks.encoded(CUDA, gpu.move), expected)


@pytest.mark.parametrize("learned", [False, True])
def test_reinforce(learned):
    model = MODELS["stg-kd"]
    expected = checks.reinforce_step(model, "cpu", lambda module: module, learned=learned)
    with PretendedGpu() as gpu:
        gpu.move(model)
        same(checks.reinforce_step(model, CUDA, gpu.move, learned=learned), expected)
