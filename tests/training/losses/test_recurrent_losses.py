"""The losses of STAT and STaTS against their formulas by loop, and shares of a step against the whole of it."""

import math

import pytest
import torch

from stgraph.datasets import CaptionBatch
from stgraph.errors import OptionError
from stgraph.models import STATCaptioner, STaTSCaptioner
from stgraph.training import (
    DistillationLoss,
    LanguageLoss,
    STATLoss,
    STaTSLoss,
    StepCounts,
    teacher_forcing_ratio,
)
from tests.models.test_stgraph_captioner import COUNTS, TOKENS, VIDEO, graphs
from tests.nn.conv.test_residual_gcn_conv import CHANNELS

WORDS = int((TOKENS[:, 1:] != 0).sum())
ALL = StepCounts(tokens=WORDS, frames=9, pairs=len(TOKENS), videos=3)
SIZES = {"vocab_size": 12, "attention_channels": 4, "word_channels": 7, "hidden_channels": 8, "max_length": 5}


def stat():
    torch.manual_seed(0)
    streams = {
        "appearance_channels": 5,
        "motion_channels": 3,
        "object_channels": CHANNELS,
        "stream_channels": 6,
    }
    return STATCaptioner(**SIZES, **streams, dropout=0.0)


def stats(**changed):
    torch.manual_seed(0)
    settings = {"object_channels": CHANNELS, "embedding_channels": 6, **changed}
    return STaTSCaptioner(**SIZES, **settings)


def batch(rows=slice(None), owned=None):
    return CaptionBatch(graphs(), ["a", "b", "c"], TOKENS[rows], VIDEO[rows], owned)


def nothing():
    """What a process holds to which no caption fell."""
    return CaptionBatch(graphs(COUNTS[:1]), ["a"], torch.zeros(1, 2, dtype=torch.long), torch.tensor([0]))


@torch.no_grad()
def surprise(logits, row, place):
    return -float(logits[row, place].detach().log_softmax(-1)[TOKENS[row, place + 1]])


def real_places():
    return [(p, l) for p in range(len(TOKENS)) for l in range(TOKENS.size(1) - 1) if TOKENS[p, l + 1] != 0]


def test_stats_three_terms_by_loop():
    model = stat()
    out = model.teacher_forced(graphs(), TOKENS[:, :-1], VIDEO)
    language = sum(surprise(out.logits, p, l) for p, l in real_places()) / len(TOKENS)
    squares = sum(float(value.detach()) ** 2 for p in model.parameters() for value in p.flatten())
    penalty = 0.0
    assert set(out.attention) == {"global", "motion", "local", "regions"}  # the released code's four maps
    for name, weights in out.attention.items():
        for p in range(len(TOKENS)):
            places = out.masks[name][p].flatten().nonzero()[:, 0].tolist()
            seen = [
                sum(float(weights[p, l].flatten()[i].detach()) for q, l in real_places() if q == p)
                for i in places
            ]
            penalty += sum((1 - often) ** 2 for often in seen) / max(1, len(seen))
    parts = STATLoss(weight_decay=0.01, attention_weight=0.7)(model, batch(), ALL)
    assert float(parts["language"]) == pytest.approx(language, rel=1e-5)
    assert float(parts["weights"]) == pytest.approx(squares, rel=1e-5)
    assert float(parts["attention"]) == pytest.approx(penalty, rel=1e-4)
    assert float(parts["loss"]) == pytest.approx(language + 0.01 * squares + 0.7 * penalty, rel=1e-5)


def test_the_ranking_term_is_a_mean_over_words_of_means_over_pairs_of_frames():
    model = stats()
    out = model.teacher_forced(graphs(), TOKENS[:, :-1], VIDEO)
    language = sum(surprise(out.logits, p, l) for p, l in real_places()) / WORDS
    ranking = 0.0
    for p, l in real_places():
        pairs = out.ranking_mask[p].nonzero()[:, 0].tolist()
        ranking += sum(float(out.ranking[p, l, t].detach()) for t in pairs) / max(1, len(pairs))
    parts = STaTSLoss(ranking_weight=0.3, sampling_decay=None)(model, batch(), ALL)
    assert float(parts["language"]) == pytest.approx(language, rel=1e-5)
    assert float(parts["ranking"]) == pytest.approx(ranking / WORDS, rel=1e-5)
    assert float(parts["loss"]) == pytest.approx(language + 0.3 * ranking / WORDS, rel=1e-5)
    assert set(STaTSLoss(sampling_decay=None)(stats(attention="ts"), batch(), ALL)) == {
        "loss",
        "language",
    }


CASES = {"stat": (stat, STATLoss()), "stats": (stats, STaTSLoss(sampling_decay=None))}


@pytest.mark.parametrize("case", CASES)
def test_shares_of_a_step_have_the_gradient_of_the_whole(case):
    """Four parts, one of them without captions: their mean, as DDP and Lightning take it, is the one batch's loss."""
    make, loss = CASES[case]
    whole, split = make(), make()
    total = loss(whole, batch(), ALL)
    total["loss"].backward()
    parts = 4
    share = StepCounts(WORDS / parts, 9 / parts, len(TOKENS) / parts, 3 / parts, parts)
    batches = [batch(slice(0, 1)), batch(slice(1, 2)), batch(slice(2, 4)), nothing()]
    sums = {}
    for part in batches:
        found = loss(split, part, share)
        (found["loss"] / parts).backward()
        for name, value in found.items():
            sums[name] = sums.get(name, 0.0) + float(value) / parts
    assert sums == pytest.approx({name: float(value) for name, value in total.items()}, rel=1e-5)
    for (name, one), other in zip(whole.named_parameters(), split.parameters(), strict=True):
        torch.testing.assert_close(other.grad, one.grad, rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.parametrize("case", CASES)
def test_a_batch_whose_videos_all_lack_boxes_has_a_finite_loss_and_gradient(case):
    make, loss = CASES[case]
    model = make()
    empty = CaptionBatch(graphs([(0, 0), (0,)]), ["a", "b"], TOKENS[:2], torch.tensor([0, 1]))
    found = loss(model, empty, ALL)
    found["loss"].backward()
    assert math.isfinite(float(found["loss"]))
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in model.parameters())


def test_the_share_of_given_words_falls_with_the_epochs():
    for epoch in (0, 7, 50, 500):
        assert teacher_forcing_ratio(epoch) == pytest.approx(24 / (24 + math.exp(epoch / 24)))
    told, model = [], stats()
    teacher_forced = model.teacher_forced

    def record(*inputs, teacher_forcing_ratio):
        told.append(teacher_forcing_ratio)
        return teacher_forced(*inputs)

    model.teacher_forced = record
    for epoch in (0, 30):
        STaTSLoss()(model, batch(), StepCounts(WORDS, 9, 4, 3, epoch=epoch))
    assert told == [24 / 25, pytest.approx(24 / (24 + math.exp(30 / 24)))]


def test_wrong_weights_are_named():
    with pytest.raises(OptionError, match="must not be negative, got -1"):
        STATLoss(weight_decay=-1)
    with pytest.raises(OptionError, match="'ranking_weight' must not be negative"):
        STaTSLoss(ranking_weight=-0.1)
    with pytest.raises(OptionError, match="'sampling_decay' must be above 0 or None, got 0"):
        STaTSLoss(sampling_decay=0)


def smoothed(logits, p, l, share):
    """Cross-entropy with a target that keeps 1 - share and spreads the rest evenly over the vocabulary."""
    scores = [math.exp(float(value)) for value in logits[p, l].detach()]
    surprises = [-math.log(score / sum(scores)) for score in scores]
    target = [share / len(scores)] * len(scores)
    target[int(TOKENS[p, l + 1])] += 1 - share
    return sum(part * value for part, value in zip(target, surprises, strict=True))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.7])
def test_label_smoothing_spreads_a_share_of_the_target_over_the_vocabulary(share):
    for make, loss, count in [
        (stat, STATLoss(weight_decay=0, attention_weight=0, label_smoothing=share), len(TOKENS)),
        (stats, STaTSLoss(ranking_weight=0, sampling_decay=None, label_smoothing=share), WORDS),
        (stat, LanguageLoss(label_smoothing=share), WORDS),
    ]:
        model = make()
        logits = model(graphs(), TOKENS[:, :-1], VIDEO)[model.name]
        wanted = sum(smoothed(logits, p, l, share) for p, l in real_places()) / count
        assert float(loss(model, batch(), ALL)["loss"]) == pytest.approx(wanted, rel=1e-5)
    logits = torch.randn(*TOKENS[:, 1:].shape, 12, generator=torch.Generator().manual_seed(0))
    wanted = sum(smoothed(logits, p, l, share) for p, l in real_places()) / WORDS
    found = DistillationLoss(label_smoothing=share).from_logits({"scene": logits}, TOKENS[:, 1:])
    assert float(found["loss"]) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("loss", [DistillationLoss, LanguageLoss, STATLoss, STaTSLoss])
def test_wrong_label_smoothing_is_named(loss):
    for value in (-0.1, 1.0):
        with pytest.raises(OptionError, match=r"'label_smoothing' must be in \[0, 1\), got"):
            loss(label_smoothing=value)
