"""STAT with the weights of ``stat_released/reference.npz`` answers what the authors' code answered, in float64.

Tolerances are absolute: 1e-12 for probabilities, attention and gradients, 1e-10 for losses, 1e-5 for the costs of beam
searches, whose log-probabilities are computed in float32.
"""

import numpy as np
import pytest
import torch
from torch import nn

from stgraph import STATCaptioner
from stgraph.datasets import CaptionBatch
from stgraph.decoding import BeamSearch
from stgraph.models.stat_released import read_released, released_state
from stgraph.nn import doubly_stochastic_penalty
from stgraph.text import SpecialTokens
from stgraph.training import STATLoss
from tests.models.released_stat import graphs_of_videos, our_tokens

MAPS = {"spatial": "regions", "global": "global", "motion": "motion", "local": "local"}
STREAMS = ("global", "local", "motion")
DECAY, GAMMA = 1e-4, 0.70602


@pytest.fixture(scope="module")
def reference(real_data):
    with np.load(real_data / "stat_released" / "reference.npz") as archive:
        return {name: archive[name] for name in archive.files}


def part(reference, prefix):
    return {name.removeprefix(prefix): value for name, value in reference.items() if name.startswith(prefix)}


def close(found, expected, atol):
    torch.testing.assert_close(found, torch.as_tensor(expected), atol=atol, rtol=0)


class TeacherForced(nn.Module):
    """The model as a function of its state dict."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, *inputs):
        return self.model.teacher_forced(*inputs)


@pytest.fixture(scope="module")
def answer(reference):
    """Parameters by their released names, which require gradients, and our output as a function of them."""
    params = {
        name: value.requires_grad_() for name, value in read_released(part(reference, "param/")).items()
    }
    model = TeacherForced(STATCaptioner.from_released(part(reference, "param/")))
    state = {f"model.{name}": value for name, value in released_state(params).items()}
    words = torch.tensor(reference["words"].T)
    videos = {name: reference[name] for name in STREAMS}
    inputs = (graphs_of_videos(videos), our_tokens(words), torch.arange(len(words)))
    return params, words, torch.func.functional_call(model, state, inputs)


def lengths(reference):
    return torch.tensor(reference["mask"].sum(0)).long()


def released_attention(out, reference):
    """Our weights by their names ``[P, L, ...]``; after the end of a caption they repeat the query of its last state."""
    places = torch.minimum(torch.arange(out.logits.size(1)), lengths(reference)[:, None])
    rows = torch.arange(len(places))[:, None]
    return {name: out.attention[ours][rows, places] for name, ours in MAPS.items()}


def test_probabilities_and_the_four_attention_maps(reference, answer):
    _, words, out = answer
    found, expected = out.logits.softmax(-1), torch.tensor(reference["probabilities"]).transpose(0, 1)
    assert (found[..., :2] == 0).all()
    real = torch.arange(words.size(1)) < lengths(reference)[:, None]
    assert int(real.sum()) == 22
    close(found[real][:, 2:], expected[real], 1e-12)
    for name, weights in released_attention(out, reference).items():
        close(weights, np.moveaxis(reference[f"attention/{name}"], 0, 1), 1e-12)


def test_losses_and_all_gradients(reference, answer):
    params, words, out = answer
    real = torch.arange(words.size(1)) < lengths(reference)[:, None]
    likelihoods = out.logits.softmax(-1)[..., 2:].gather(2, words[..., None])[..., 0]
    nll = -((likelihoods + 1e-8).log() * real).sum(1)
    weights = DECAY * sum(value.square().sum() for value in params.values())
    every = torch.ones_like(real)
    maps = released_attention(out, reference)
    masks = {name: torch.ones_like(value[:, 0], dtype=torch.bool) for name, value in maps.items()}
    attention = GAMMA * doubly_stochastic_penalty(maps, masks, every)
    total = nll.mean() + weights + attention
    close(nll, reference["loss/nll"], 1e-10)
    for name, value in (("weights", weights), ("attention", attention), ("total", total)):
        close(value, reference[f"loss/{name}"], 1e-10)
    total.backward(retain_graph=True)
    expected = part(reference, "grad/")
    assert expected.keys() == params.keys()
    for name, value in expected.items():
        close(params[name].grad, value, 1e-12)


def test_our_loss_is_theirs_where_no_caption_is_padded(reference):
    """Our loss masks padded words in the attention term; the first caption has none, so its terms are theirs."""
    model = STATCaptioner.from_released(part(reference, "param/"))
    words = torch.tensor(reference["words"].T)[:1]
    tokens = torch.cat([our_tokens(words), torch.tensor([[2]])], dim=1)
    graphs = graphs_of_videos({name: reference[name][:1] for name in STREAMS})
    batch = CaptionBatch(graphs, ["0"], tokens, torch.tensor([0]))
    found = STATLoss()(model, batch)
    close(found["language"].double(), reference["loss/nll"][0], 1e-5)
    squares = [((1 - reference[f"attention/{name}"][:, 0].sum(0)) ** 2).mean() for name in MAPS]
    close(found["attention"].double(), sum(squares), 1e-5)


def test_all_forty_beam_searches(reference):
    beam = part(reference, "beam/")
    model = STATCaptioner.from_released(part(beam, "param/"), max_length=12)
    graphs = graphs_of_videos({name: beam[name] for name in STREAMS})
    search, special_tokens = BeamSearch(5, narrowing=True), SpecialTokens(generate_unk=True)
    found = model.generate(graphs, special_tokens, decoding=search)
    words = torch.where(found.tokens >= 2, found.tokens - 2, -1)
    assert len(words) == 40
    assert torch.equal(words, torch.tensor(beam["words"]))
    close(-found.log_probs.double().sum(1), beam["cost"], 1e-5)
