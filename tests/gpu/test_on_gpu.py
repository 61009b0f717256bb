"""The GPU gives the CPU's answers. Each test runs twice: on the CPU, against itself, and on the GPU where there is one."""

import copy

import pytest
import torch

from stgraph.training import StepCounts
from tests.gpu import checks

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=pytest.mark.skipif(
            not torch.cuda.is_available(), reason="needs a CUDA device, and torch sees none here"
        ),
    ),
]
MODELS = tuple(checks.models())
CLASSIFIERS = tuple(checks.classifiers())


@pytest.fixture(params=DEVICES)
def device(request):
    return request.param


def two(name, device):
    """The model on the CPU, and one of the same weights on the device."""
    return checks.models()[name], checks.models()[name].to(device)


def close(found, expected, **tolerances):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(
            found[name], value, **tolerances, msg=lambda text, name=name: f"{name}: {text}"
        )


@pytest.mark.parametrize("name", MODELS)
def test_logits_and_gradients(name, device):
    ours, there = two(name, device)
    close(checks.logits(there, device), checks.logits(ours, "cpu"), atol=1e-4, rtol=1e-4)
    close(
        checks.training_step(name, there, device),
        checks.training_step(name, ours, "cpu"),
        atol=1e-3,
        rtol=1e-3,
    )


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classification(name, device):
    ours, there = checks.classifiers()[name], checks.classifiers()[name].to(device)
    found = checks.classification_step(there, device)
    close(found, checks.classification_step(ours, "cpu"), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["stg-kd", "stat", "stats"])
def test_decoding(name, device):
    ours, there = two(name, device)
    found, expected = checks.captions(there, device), checks.captions(ours, "cpu")
    assert found.keys() == expected.keys()
    for method, tokens in expected.items():
        if "sampl" not in method:  # a rounding error may draw another word
            assert torch.equal(found[method], tokens), method


@pytest.mark.parametrize("name", checks.BUILDERS)
def test_graphs(name, device):
    close(checks.built(name, device), checks.built(name, "cpu"), atol=1e-5, rtol=1e-5)


def test_the_graph_encoder(device):
    found = checks.encoded(checks.encoder().to(device), device)
    torch.testing.assert_close(found, checks.encoded(checks.encoder(), "cpu"), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("learned", [False, True])
def test_reinforce(learned, device):
    ours, there = two("stg-kd", device)
    torch.manual_seed(0)
    baseline = checks.baseline_of(ours) if learned else None
    found = checks.reinforce_step(there, device, copy.deepcopy(baseline).to(device) if learned else None)
    assert found["loss"].isfinite()
    if device == "cpu":  # a rounding error may draw another word
        close(found, checks.reinforce_step(ours, "cpu", baseline))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["stg-kd", "stat", "stats"])
def test_half_precision(name, dtype, device):
    """Logits under autocast are near those of float32."""
    ours, there = two(name, device)
    with torch.autocast(device, dtype=dtype):
        found = checks.logits(there, device)
    for branch, expected in checks.logits(ours, "cpu").items():
        error = (found[branch].float() - expected).abs().mean() / expected.abs().mean()
        assert error < 0.05, (branch, float(error))


@pytest.mark.parametrize("name", ["stg-kd", "stat", "stats"])
def test_a_run_goes_on_on_another_device(name, device):
    """Two steps on the device, saved, a third on the CPU: as three steps on the CPU."""

    def steps(model, optimizer, count, where):
        made, loss = checks.batch(where), checks.losses_of(name)[0]
        for _ in range(count):
            optimizer.zero_grad()
            loss(model.eval(), made, StepCounts.of_batch(made))["loss"].backward()
            optimizer.step()

    ours, there = two(name, device)
    whole, first = torch.optim.Adam(ours.parameters(), 1e-4), torch.optim.Adam(there.parameters(), 1e-4)
    torch.manual_seed(0)
    steps(ours, whole, 3, "cpu")
    torch.manual_seed(0)
    steps(there, first, 2, device)
    later = checks.models()[name]
    later.load_state_dict({key: value.cpu() for key, value in there.state_dict().items()})
    second = torch.optim.Adam(later.parameters(), 1e-4)
    second.load_state_dict(first.state_dict())
    steps(later, second, 1, "cpu")
    if "stats" not in name:  # scheduled sampling draws on the device
        close(later.state_dict(), ours.state_dict(), atol=1e-4, rtol=1e-3)
    assert all(value.isfinite().all() for value in later.state_dict().values())


def test_extraction_is_the_same_one_by_one_and_together(device):
    """Features of pictures of several videos in one batch on the device, in half precision on a GPU."""
    from stgraph.extraction.extractors import make_extractor

    torch.manual_seed(0)
    pictures = torch.randint(0, 256, (4, 120, 160, 3), dtype=torch.uint8)
    extractors = []
    for where in ("cpu", device):
        torch.manual_seed(0)
        extractors.append(make_extractor("resnet18", {"weights": "random"}).to(where))
    here, there = extractors
    items = [here.preprocess(picture[None]) for picture in pictures]
    expected = [each["appearance"].cpu().float() for item in items for each in here.extract([item])]
    found = [each["appearance"].cpu().float() for each in there.extract(items)]
    for one, other in zip(found, expected, strict=True):
        error = (one - other).norm() / other.norm()
        assert error < 0.02, float(error)
