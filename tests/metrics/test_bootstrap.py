import math
import time

import numpy as np
import pytest

from stgraph.errors import DataError, OptionError
from stgraph.metrics import METRICS, CaptionEvaluator, CaptionScores, bootstrap_intervals, paired_bootstrap
from stgraph.metrics.bleu import Bleu
from stgraph.metrics.bootstrap import scores_of_sets
from stgraph.metrics.meteor import Meteor
from stgraph.metrics.scores import MetricScores
from tests.metrics.sentences import caption_sets, token_sets


@pytest.fixture(scope="module")
def systems():
    """Scores of two systems on the same 30 videos."""
    references, captions = caption_sets(0, 30)
    evaluate = CaptionEvaluator(references)
    return evaluate(captions), evaluate(caption_sets(1, 30)[1])


def mean_of(values):
    scores = {f"v{i}": float(value) for i, value in enumerate(values)}
    return CaptionScores({"CIDEr": sum(scores.values()) / len(scores)}, {"CIDEr": scores})


def by_video(values):
    return {str(index): value for index, value in enumerate(values)}


def as_scores(answer: MetricScores):
    return CaptionScores(
        {metric: corpus for metric, (corpus, _) in answer.items()},
        {metric: by_video(each) for metric, (_, each) in answer.items()},
        {name: by_video(rows) for name, rows in answer.statistics.items()},
    )


def test_all_videos_once_give_the_corpus_scores(systems):
    for scores in systems:
        assert tuple(scores) == METRICS
        found = scores_of_sets(scores, np.ones((1, 30)))
        for metric in METRICS:
            assert found[metric][0] == pytest.approx(scores[metric], abs=1e-9), metric


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("scorer", "metrics"), [(Bleu, METRICS[:4]), (Meteor, ["METEOR"])])
def test_one_video_alone_gives_its_score(scorer, metrics, seed):
    references, captions = token_sets(seed)  # with an empty caption, one of one word, and a reference
    scores = as_scores(scorer(references)(captions))
    found = scores_of_sets(scores, np.eye(len(captions)))
    for metric in metrics:
        assert found[metric] == pytest.approx(list(scores.per_video[metric].values()), abs=1e-9)


@pytest.mark.parametrize("scorer", [Bleu, Meteor])
def test_a_drawn_set_scores_as_the_scorer_scores_its_captions(scorer):
    references, captions = token_sets(5)
    scores = as_scores(scorer(references)(captions))
    drawn = np.random.default_rng(0).integers(len(captions), size=len(captions))
    expected = scorer([references[i] for i in drawn])([captions[i] for i in drawn])
    times = np.bincount(drawn, minlength=len(captions))[None]
    for metric, found in scores_of_sets(scores, times).items():
        assert found[0] == pytest.approx(expected[metric][0], abs=1e-9)


def bleu_of(rows, order):
    """BLEU by the paper's formula, in a loop over the sampled videos."""
    total = [sum(row[k] for row in rows) for k in range(10)]
    product = math.prod(total[n] / total[4 + n] for n in range(order))
    return product ** (1 / order) * math.exp(min(0.0, 1 - total[9] / total[8]))


def test_intervals_equal_loops_over_the_same_draws(systems):
    generator = np.random.default_rng(3)
    a, b = systems
    videos = list(a.per_video["CIDEr"])
    sets = [[videos[i] for i in generator.integers(30, size=30)] for _ in range(40)]
    for metric, score in {
        "BLEU-2": lambda scores, drawn: bleu_of([scores.statistics["BLEU"][v] for v in drawn], 2),
        "ROUGE-L": lambda scores, drawn: sum(scores.per_video["ROUGE-L"][v] for v in drawn) / 30,
    }.items():
        ones = [score(a, drawn) for drawn in sets]
        differences = [one - score(b, drawn) for one, drawn in zip(ones, sets, strict=True)]
        interval = bootstrap_intervals(a, samples=40, level=0.8, seed=3)[metric]
        assert interval == pytest.approx(np.quantile(ones, [0.1, 0.9]), abs=1e-8)
        pair = paired_bootstrap(a, b, samples=40, level=0.8, seed=3)[metric]
        assert (pair.low, pair.high) == pytest.approx(np.quantile(differences, [0.1, 0.9]), abs=1e-8)
        below, above = (sum(s * d <= 0 for d in differences) for s in (1, -1))
        assert pair.p_value == pytest.approx(min(1, 2 * (1 + min(below, above)) / 41))
        assert pair.difference == a[metric] - b[metric]


def test_a_mean_of_zeros_and_ones_has_the_binomial_interval():
    interval = bootstrap_intervals(mean_of([0] * 600 + [1] * 200), samples=4000)["CIDEr"]
    half = 1.96 * math.sqrt(0.25 * 0.75 / 800)
    assert interval == pytest.approx((0.25 - half, 0.25 + half), abs=0.003)
    narrow = bootstrap_intervals(mean_of([0] * 600 + [1] * 200), samples=4000, level=0.5)["CIDEr"]
    half = 0.6745 * math.sqrt(0.25 * 0.75 / 800)
    assert narrow == pytest.approx((0.25 - half, 0.25 + half), abs=0.003)


def test_a_paired_p_value_is_that_of_the_normal_test():
    generator = np.random.default_rng(0)
    b = generator.normal(size=400)
    noise = generator.normal(size=400)
    a = b + 0.3 * (noise - noise.mean()) / noise.std() + 0.025  # 1.67 standard errors above b
    pair = paired_bootstrap(mean_of(a), mean_of(b), samples=4000)["CIDEr"]
    expected = math.erfc(0.025 / 0.3 * math.sqrt(400) / math.sqrt(2))
    assert pair.p_value == pytest.approx(expected, abs=0.02)
    assert pair.difference == pytest.approx(0.025)
    assert pair.low < 0 < pair.high


def test_the_order_of_videos_and_of_systems(systems):
    a, b = systems
    turned = CaptionScores(
        b.corpus,
        {metric: dict(reversed(each.items())) for metric, each in b.per_video.items()},
        {name: dict(reversed(rows.items())) for name, rows in b.statistics.items()},
    )
    found = paired_bootstrap(a, b)
    assert paired_bootstrap(a, turned) == found
    for metric, other in paired_bootstrap(b, a).items():
        assert other.difference == -found[metric].difference
        assert (other.low, other.high) == pytest.approx((-found[metric].high, -found[metric].low), abs=1e-12)
        assert other.p_value == found[metric].p_value
    assert {pair.p_value for pair in paired_bootstrap(a, a).values()} == {1.0}


def test_seeds_repeat_and_differ(systems):
    a, _ = systems
    assert bootstrap_intervals(a, seed=1) == bootstrap_intervals(a, seed=1) != bootstrap_intervals(a, seed=2)


def test_scores_that_do_not_fit_are_named(systems):
    a, b = systems
    with pytest.raises(OptionError, match="'samples' must be from 2 to 1,000,000, got 1"):
        bootstrap_intervals(a, samples=1)
    with pytest.raises(OptionError, match="'level' must be between 0 and 1, got 95"):
        paired_bootstrap(a, b, level=95)
    with pytest.raises(DataError, match="have no counts of BLEU per video; evaluate again"):
        bootstrap_intervals(CaptionScores(a.corpus, a.per_video))
    with pytest.raises(DataError, match=r"same videos, 1 are in only one \(first 'v2'\)"):
        paired_bootstrap(mean_of([1, 2, 3]), mean_of([1, 2]))
    with pytest.raises(DataError, match="same metrics, got CIDEr and ROUGE-L"):
        paired_bootstrap(mean_of([1]), CaptionScores({"ROUGE-L": 1.0}, {"ROUGE-L": {"v0": 1.0}}))


def test_670_videos_take_well_under_a_second_a_metric():
    generator = np.random.default_rng(0)
    videos = [f"v{i}" for i in range(670)]
    each = dict(zip(videos, generator.random(670).tolist(), strict=True))
    counts = {"BLEU": 10, "METEOR": 23}
    scores = CaptionScores(
        dict.fromkeys(METRICS, 0.5),
        dict.fromkeys(METRICS, each),
        {
            name: dict(zip(videos, generator.integers(1, 9, (670, n)).tolist(), strict=True))
            for name, n in counts.items()
        },
    )
    start = time.process_time()
    bootstrap_intervals(scores)
    assert time.process_time() - start < 1  # 0.03 where it was measured


def test_captions_that_equal_a_reference_by_stems_are_summed_as_the_program_sums():
    references = [["a cat sleeps"], ["two dogs"], ["a man rides a horse on grass"], ["a man"]]
    captions = ["a cat sleeping", "two dogs", "a horse carries a man on the lawn", ""]
    scores = as_scores(Meteor(references)(captions))
    found = scores_of_sets(scores, np.vstack([np.ones(4), np.eye(4)]))["METEOR"]
    assert found == pytest.approx([scores["METEOR"], *scores.per_video["METEOR"].values()], abs=1e-12)
