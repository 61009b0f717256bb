"""Tensors that are made on the wrong device are found without a GPU: all steps run on one whose devices are those of fake
tensors, and give the CPU's answers."""

import pytest
import torch

from stgraph.graph.edges import cosine
from tests.gpu import checks
from tests.gpu.fake_gpu import CUDA, fake_gpu

pytestmark = pytest.mark.skipif(
    torch.cuda.is_available(), reason="a CUDA device is here, on which test_on_gpu.py runs the same"
)
MODELS = checks.models()
CLASSIFIERS = checks.classifiers()
WRITERS = {name: model for name, model in checks.models(max_length=3).items() if "," not in name}


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(
            found[name].value,
            value,
            atol=1e-5,
            rtol=1e-5,
            msg=lambda text, name=name: f"{name}: {text}",
        )


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: x + torch.ones(3),
        lambda x: torch.cat([x, torch.zeros(3)]),
        lambda x: torch.stack([x.sum(), torch.tensor(0.0)]),
        lambda x: x.index_select(0, torch.arange(2)),
        lambda x: torch.zeros(3)[x.long()],
        lambda x: torch.zeros(3).index_put_((x.long(),), torch.tensor(1.0)),
        lambda x: x.index_put_((torch.arange(2),), torch.ones(2)),
        lambda x: torch.tensor(0.0).add_(x.sum()),
        lambda x: x.scatter_add(0, torch.arange(3), x),
        lambda x: torch.sparse_csr_tensor(torch.arange(4), torch.arange(3), x, (3, 3)),
    ],
)
def test_the_fake_gpu_refuses_what_a_gpu_refuses(wrong):
    with fake_gpu(), pytest.raises(RuntimeError, match="same device"):
        wrong(torch.ones(3, device="cuda"))


def test_the_fake_gpu_computes_and_says_where():
    with fake_gpu():
        x = torch.arange(3.0).to("cuda").requires_grad_()
        assert (x * 2 + torch.tensor(1.0)).device == CUDA
        assert x.new_zeros(2).device == torch.zeros(2, device=x.device).device == CUDA
        assert x.cpu().device.type == "cpu"
        assert x[x > 0].tolist() == [1, 2]
        x.square().sum().backward()
        assert x.grad.device == CUDA
        assert x.grad.tolist() == [0, 2, 4]
        with pytest.raises(TypeError, match="numpy"):
            x.grad.numpy()


@pytest.mark.parametrize("name", MODELS)
def test_models_train(name):
    model = MODELS[name]
    expected = checks.training_step(name, model, "cpu")
    with fake_gpu() as gpu:
        same(checks.training_step(name, gpu.moved(model), CUDA), expected)


@pytest.mark.parametrize("name", WRITERS)
def test_models_decode(name):
    model = WRITERS[name]
    expected = checks.captions(model, "cpu")
    with fake_gpu() as gpu:
        same(checks.captions(gpu.moved(model), CUDA), expected)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_train(name):
    model = CLASSIFIERS[name]
    expected = checks.classification_step(model, "cpu")
    with fake_gpu() as gpu:
        same(checks.classification_step(gpu.moved(model), CUDA), expected)


@pytest.mark.parametrize("name", checks.BUILDERS)
def test_graphs_are_built_where_the_detections_are(name):
    expected = checks.built(name, "cpu")
    with fake_gpu():
        same(checks.built(name, CUDA), expected)


def test_the_graph_encoder():
    encoder = checks.encoder()
    expected = checks.encoded(encoder, "cpu")
    with fake_gpu() as gpu:
        same({"rows": checks.encoded(gpu.moved(encoder), CUDA)}, {"rows": expected})


@pytest.mark.parametrize("learned", [False, True])
def test_reinforce(learned):
    model = WRITERS["stg-kd"]
    baseline = checks.baseline_of(model) if learned else None
    with fake_gpu() as gpu:
        moved = gpu.moved(baseline) if learned else None
        found = checks.reinforce_step(gpu.moved(model), CUDA, moved)
    same(found, checks.reinforce_step(model, "cpu", baseline))


class WrongGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad + torch.zeros(grad.shape)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda module, given, out: out + torch.zeros(out.shape),
        lambda module, given, out: out[torch.arange(len(out)) >= 0].masked_fill(
            torch.zeros(out.shape) > 0, 0
        ),
        lambda module, given, out: WrongGradient.apply(out),
    ],
    ids=["sum", "mask", "gradient"],
)
@pytest.mark.parametrize("name", ["stg-kd, scene only", "stat", "stats", "graphs", "tracks", "pairs"])
def test_a_tensor_without_a_device_is_found(name, spoil):
    classifier = name in CLASSIFIERS
    model = CLASSIFIERS[name] if classifier else MODELS[name]
    with fake_gpu() as gpu:
        model = gpu.moved(model)
        layer = model.head if classifier else model.lm_head(model.branches[0])
        layer.register_forward_hook(spoil)
        with pytest.raises(RuntimeError, match="same device"):
            checks.classification_step(model, CUDA) if classifier else checks.training_step(name, model, CUDA)


def test_an_edge_rule_without_a_device_is_found(monkeypatch):
    monkeypatch.setattr(cosine, "_centered", lambda features, video: features - torch.zeros(features.shape))
    with fake_gpu(), pytest.raises(RuntimeError, match="same device"):
        checks.built("both ways", CUDA)
