import copy
import itertools

import pytest
import torch
from torch.nn.functional import cross_entropy

from stgraph import CaptionPipeline
from stgraph.datasets import StoredGraphs
from stgraph.decoding import Sampling
from stgraph.errors import OptionError, ShapeError
from stgraph.metrics.rewards import CaptionReward
from stgraph.settings.compose import compose
from stgraph.settings.training import open_data
from stgraph.text import CaptionTokenizer, SpecialTokens
from stgraph.training.reinforce.learned_baseline import LearnedBaseline
from stgraph.training.reinforce.reinforce import Reinforce, caption_log_probs, reinforce_loss
from tests.decoding.models import BOS, EOS, PAD, UNK, Table
from tests.models import test_stat_captioner, test_stats_captioner, test_stgraph_captioner
from tests.training.conftest import SMALL

# A policy over two words and the end mark, at most three of them: 15 captions, 8 of which are cut.
WORDS, LENGTH = 6, 3
SUPPRESSED = (PAD, BOS, UNK)


def all_captions():
    rows = []
    for length in range(1, LENGTH + 1):
        for words in itertools.product((4, 5), repeat=length - 1):
            rows.append([*words, EOS])
    rows += [list(words) for words in itertools.product((4, 5), repeat=LENGTH)]
    return torch.tensor([row + [PAD] * (LENGTH - len(row)) for row in rows])


CAPTIONS = all_captions()
REWARDS = 1 + torch.rand(len(CAPTIONS), generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def policy():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(WORDS, WORDS, generator=generator, dtype=torch.float64).requires_grad_()


def log_probs(scores, captions=CAPTIONS):
    given = torch.cat([torch.full_like(captions[:, :1], BOS), captions[:, :-1]], dim=1)
    return caption_log_probs(scores[given], captions, SUPPRESSED)


def expected_reward_gradient(scores):
    """From the definition: the sum over captions of probability times reward, word by word."""
    total = 0.0
    for caption, reward in zip(CAPTIONS.tolist(), REWARDS, strict=True):
        probability, last = 1.0, BOS
        for word in filter(None, caption):
            allowed = scores[last, [EOS, 4, 5]].exp()
            probability = probability * scores[last, word].exp() / allowed.sum()
            last = word
        total = total + probability * reward
    return torch.autograd.grad(total, scores)[0]


def gradients(scores, baseline):
    """What each caption alone would give, as an ascent ``[15, V, V]``, and how likely it is."""
    chosen = log_probs(scores)
    found = []
    for row in range(len(CAPTIONS)):
        one = slice(row, row + 1)
        loss = reinforce_loss(chosen[one], CAPTIONS[one] != PAD, REWARDS[one], baseline[one])
        found.append(-torch.autograd.grad(loss, scores, retain_graph=True)[0])
    return torch.stack(found), chosen.detach().sum(1).exp()


def baselines():
    by_prefix = {}
    for row in CAPTIONS.tolist():
        for place in range(LENGTH):
            by_prefix.setdefault(tuple(row[:place]), 0.3 * len(by_prefix) - 1.0)
    words = [[by_prefix[tuple(row[:place])] for place in range(LENGTH)] for row in CAPTIONS.tolist()]
    many = len(CAPTIONS)
    best = int(log_probs(policy()).sum(1).argmax())
    return {
        "none": torch.zeros(many),
        "of one caption": REWARDS[best].expand(many),
        "of the words before": torch.tensor(words),
    }


def test_the_policy_is_one_over_the_captions_that_can_be_drawn():
    torch.testing.assert_close(log_probs(policy()).sum(1).exp().sum(), torch.tensor(1.0).double())


@pytest.mark.parametrize("name", baselines())
def test_the_mean_gradient_is_that_of_the_expected_reward_whatever_the_baseline(name):
    scores = policy()
    each, probability = gradients(scores, baselines()[name])
    mean = (probability.double()[:, None, None] * each).sum(0)
    exact = expected_reward_gradient(scores)
    assert exact.abs().max() > 0.05
    torch.testing.assert_close(mean, exact, atol=1e-6, rtol=1e-5)


def test_the_mean_over_drawn_captions_comes_near_it():
    """Within 4.5 standard errors in every entry, of 20,000 captions drawn by stgraph.decoding."""
    scores, many = policy(), 20_000
    table = Table(scores.detach())
    sampling, tokens = Sampling(seed=4, captions_per_video=many), SpecialTokens(PAD, BOS, EOS, UNK)
    drawn = sampling.decode(table, table.start([[0.0] * WORDS]), 1, tokens, max_length=LENGTH).tokens
    rows = (drawn[:, None] == CAPTIONS).all(-1).int().argmax(1)
    loss = reinforce_loss(log_probs(scores, drawn), drawn != PAD, REWARDS[rows], 1.4)
    mean, exact = -torch.autograd.grad(loss, scores)[0], expected_reward_gradient(scores)
    each, probability = gradients(scores, torch.full((len(CAPTIONS),), 1.4))
    variance = (probability.double()[:, None, None] * (each - exact) ** 2).sum(0)
    error = (variance / many).sqrt()
    assert ((mean - exact).abs() <= 4.5 * error + 1e-9).all()
    assert error.max() < 0.1 * exact.abs().max()  # near enough to tell a wrong gradient


def test_baselines_lower_the_variance():
    scores = policy()
    learned = LearnedBaseline(WORDS, ridge=1e-3)  # of the last word alone
    given = torch.cat([torch.full_like(CAPTIONS[:, :1], BOS), CAPTIONS[:, :-1]], dim=1)
    features = torch.nn.functional.one_hot(given, WORDS).double()
    learned.update(features, CAPTIONS != PAD, REWARDS)

    def spread(baseline):
        each, probability = gradients(scores, baseline)
        return float((probability[:, None, None] * (each - expected_reward_gradient(scores)) ** 2).sum())

    none, greedy = (spread(baselines()[name]) for name in ("none", "of one caption"))
    assert greedy < 0.2 * none
    assert spread(learned(features)) < 0.2 * none


def test_equals_the_formula_by_loop_and_padding_and_parts_change_nothing():
    torch.manual_seed(0)
    chosen, mask = -torch.rand(3, 4), torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0]]).bool()
    rewards, baseline = torch.rand(3), torch.rand(3, 4)
    expected = -sum(
        (rewards[p] - baseline[p, l]) * chosen[p, l] for p in range(3) for l in range(4) if mask[p, l]
    )
    whole = reinforce_loss(chosen, mask, rewards, baseline)
    torch.testing.assert_close(whole, expected / 3)
    torch.testing.assert_close(
        reinforce_loss(chosen.masked_fill(~mask, -torch.inf), mask, rewards, baseline), whole
    )
    parts = [
        reinforce_loss(chosen[rows], mask[rows], rewards[rows], baseline[rows], num_captions=3)
        for rows in (slice(0, 1), slice(1, 3), slice(3, 3))
    ]
    torch.testing.assert_close(sum(parts), whole)
    torch.testing.assert_close(
        reinforce_loss(chosen, mask, rewards, rewards.mean()),
        reinforce_loss(chosen, mask, rewards, rewards.mean().expand(3)),
    )
    nobody = torch.zeros_like(mask)
    assert reinforce_loss(chosen, nobody, rewards) == 0
    with pytest.raises(ShapeError, match="'baseline' must be"):
        reinforce_loss(chosen, mask, rewards, torch.rand(4))


VOCABULARY = CaptionTokenizer.from_captions(["a b c d e f g h"])
MODELS = {
    "stgkd": (test_stgraph_captioner.make, test_stgraph_captioner.graphs),
    "stat": (test_stat_captioner.make, test_stgraph_captioner.graphs),
    "stats": (
        lambda **options: test_stats_captioner.make(**test_stats_captioner.GRIDS, **options),
        test_stats_captioner.videos,
    ),
}
IDS = ["x", "y", "z"]


def lengths(captions, videos):
    """A reward that tells captions and videos apart."""
    return [len(caption) + 10.0 * IDS.index(video) for caption, video in zip(captions, videos, strict=True)]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", ["greedy", "learned"])
def test_a_step_is_the_formula_on_captions_that_the_model_draws(name, kind):
    make, videos = MODELS[name]
    model, graphs = make(dropout=0.5), videos()
    branch, special_tokens = model.branches[0], VOCABULARY.special_tokens
    tokens = model.generate(
        graphs, special_tokens, branch, decoding=Sampling(seed=7, captions_per_video=2)
    ).tokens
    owners = [0, 0, 1, 1, 2, 2]
    rewards = lengths(VOCABULARY.decode(tokens), [IDS[owner] for owner in owners])
    plain = lengths(VOCABULARY.decode(model.generate(graphs, special_tokens, branch).tokens), IDS)
    expected = 0.0
    for row, owner in enumerate(owners):
        words = [word for word in tokens[row].tolist() if word]
        given = torch.tensor([[1, *words[:-1]]])
        logits = model(graphs, given, torch.tensor([owner]))[branch][0]
        logits[:, [0, 1, 3]] = -torch.inf
        scores = logits.log_softmax(-1)
        gain = rewards[row] - (plain[owner] if kind == "greedy" else 0.0)
        expected -= gain * sum(scores[place, word] for place, word in enumerate(words)) / 6

    model.train()
    modes = [part.training for part in model.modules()]
    decoder = model.decoders[branch] if name == "stgkd" else model.decoder
    baseline = LearnedBaseline(decoder.lm_head.in_features) if kind == "learned" else None
    reinforce = Reinforce(lengths, VOCABULARY, baseline=baseline, samples_per_video=2)
    step = reinforce(model, graphs, IDS, seed=7)
    torch.testing.assert_close(step.loss, expected, atol=1e-4, rtol=1e-4)  # so no dropout either
    assert [part.training for part in model.modules()] == modes
    assert step.values["reward"] == pytest.approx(sum(rewards) / 6)
    cut = [2 not in row for row in tokens.tolist()]
    assert step.values["unfinished"] == pytest.approx(sum(cut) / 6)
    assert 0 <= step.values["reward_seconds"] <= step.values["seconds"]
    step.loss.backward()
    grads = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert any(grad is not None and grad.abs().sum() > 0 for name, grad in grads.items() if "encoder" in name)
    assert grads[next(key for key in grads if key.endswith("lm_head.weight"))].abs().sum() > 0
    if baseline is not None:  # it has learned from these captions, for the next ones
        assert step.values["baseline"] == 0
        later = reinforce(model, graphs, IDS, seed=8)
        assert later.values["baseline"] == pytest.approx(step.values["reward"], rel=0.3)
        assert later.loss.detach().abs() < expected.detach().abs()
        assert reinforce(model, graphs, IDS, seed=8).loss != later.loss


def test_videos_that_do_not_count_add_nothing():
    make, videos = MODELS["stgkd"]
    model, graphs, reinforce = make(), videos(), Reinforce(lengths, VOCABULARY)
    whole = reinforce(model, graphs, IDS, seed=1).loss
    parts = [
        reinforce(model, graphs, IDS, seed=1, owned=torch.tensor(owned), num_captions=3).loss
        for owned in ([True, False, True], [False, True, False], [False, False, False])
    ]
    torch.testing.assert_close(sum(parts), whole)
    assert parts[2] == 0


def test_wrong_options_are_named():
    with pytest.raises(OptionError, match="'samples_per_video' must be at least 1, got 0"):
        Reinforce(lengths, VOCABULARY, samples_per_video=0)
    make, videos = MODELS["stgkd"]
    with pytest.raises(OptionError, match="'branch' must be one of"):
        Reinforce(lengths, VOCABULARY)(make(), videos(), IDS, branch="joint")


@pytest.fixture(scope="module")
def fluent(trained):
    """The tiny model after a short training on 30 videos, which are all it is to describe, and what describes them."""
    captioner = CaptionPipeline.from_pretrained(trained)
    model, tokenizer = captioner.model, captioner.tokenizer
    dataset = open_data(compose("train", list(SMALL)).data)
    references = dict(list(dataset.corpus.references("train").items())[:30])
    graphs = StoredGraphs(dataset.store, captioner.builder, 10).batch(list(references))
    video = torch.tensor([row for row, group in enumerate(references.values()) for _ in group])
    tokens = tokenizer.encode([caption for group in references.values() for caption in group])
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(60):
        logits = model(graphs, tokens[:, :-1], video)["scene"]
        optimizer.zero_grad()
        cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=PAD).backward()
        optimizer.step()
    reward = CaptionReward(references, {"BLEU-4": 1.0, "CIDEr": 0.1}, words=tokenizer.words)
    return model, tokenizer, graphs, list(references), reward


@pytest.mark.parametrize("kind", ["greedy", "learned"])
def test_steps_raise_the_reward_of_a_trained_model(fluent, kind):
    model, tokenizer, graphs, ids, reward = fluent
    model = copy.deepcopy(model)
    baseline = LearnedBaseline(model.decoders["scene"].lm_head.in_features) if kind == "learned" else None
    reinforce = Reinforce(reward, tokenizer, baseline=baseline, samples_per_video=4)
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)

    @torch.no_grad()
    def mean_reward():  # of draws that no step is trained on
        judge = Reinforce(reward, tokenizer, samples_per_video=16)
        return judge(model, graphs, ids, seed=9999).values["reward"]

    before = mean_reward()
    for seed in range(25):
        optimizer.zero_grad()
        reinforce(model, graphs, ids, seed=seed).loss.backward()
        optimizer.step()
    after = mean_reward()
    assert after > before + 0.04  # 480 draws: two standard errors of the difference at most
