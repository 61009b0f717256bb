"""Pooled splits and their intervals beside loops over the drawn videos."""

from collections import Counter

import numpy as np
import pytest

from benchmarks.vrd import table as page
from benchmarks.vrd.table import by_video, pooled
from stgraph.metrics import CaptionEvaluator, CaptionScores, Evaluation
from tests.metrics.sentences import caption_sets

METRICS = ("BLEU-1", "BLEU-2", "ROUGE-L", "CIDEr")  # METEOR needs a program of its own
SPLITS = {
    0: range(7),
    1: range(3, 10),
    2: (0, 4, 5, 11),
}  # videos 4 and 5 are tested three times, 7 and 11 once
REFERENCES = caption_sets(0, 12)[0]


def row(seed, splits=SPLITS):
    """A system by split; what it says of a video differs from split to split."""
    found = {}
    for number, videos in splits.items():
        names = [f"video{video}" for video in videos]
        said = caption_sets(100 * seed + number, 12)[1]
        captions = {name: said[name] for name in names}
        scores = CaptionEvaluator({name: REFERENCES[name] for name in names}, METRICS)(captions)
        subject = {name: float(said[name].split()[1] in REFERENCES[name][0]) for name in names}
        scores = CaptionScores(
            {**scores.corpus, "subject": sum(subject.values()) / len(subject)},
            {**scores.per_video, "subject": subject},
            scores.statistics,
        )
        found[number] = Evaluation("any", "test", "any", captions, scores)
    return found


@pytest.fixture(scope="module")
def rows():
    return row(1), row(2)


def test_pooled_scores_are_those_of_all_captions_together(rows):
    captions = {
        f"{s}/{video}": text for s, found in rows[0].items() for video, text in found.captions.items()
    }
    references = {name: REFERENCES[name.split("/")[1]] for name in captions}
    together, found = CaptionEvaluator(references, METRICS[:3])(captions), pooled(rows[0])
    assert set(found.per_video["subject"]) == set(captions)
    for metric in METRICS[:3]:
        assert found[metric] == pytest.approx(together[metric], abs=1e-9)
    # CIDEr's document frequencies stay those of each split, so it is the mean of what each video got there.
    values = [value for one in rows[0].values() for value in one.scores.per_video["CIDEr"].values()]
    assert found["CIDEr"] == pytest.approx(sum(values) / len(values))


def bleu_1(counts):
    """Of brief captions and others, from summed counts."""
    matches, words, length, closest = (sum(row[place] for row in counts) for place in (0, 4, 8, 9))
    return matches / words * np.exp(min(0.0, 1 - closest / length))


def score(row, metric, drawn):
    """Of a list of drawn videos, each of which brings every split that tests it."""
    tests = [(found.scores, video) for video in drawn for found in row.values() if video in found.captions]
    if metric == "BLEU-1":
        return bleu_1([scores.statistics["BLEU"][video] for scores, video in tests])
    return sum(scores.per_video[metric][video] for scores, video in tests) / len(tests)


@pytest.mark.parametrize("metric", ["BLEU-1", "CIDEr", "subject"])
def test_a_drawn_video_brings_all_splits_that_test_it(rows, metric, monkeypatch):
    monkeypatch.setattr(page, "SAMPLES", 300)
    tested = Counter(video for found in rows[0].values() for video in found.captions)
    assert set(tested.values()) == {1, 2, 3}
    names, draw = sorted(tested), np.random.default_rng(page.SEED)
    differences = []
    for _ in range(300):
        drawn = [names[place] for place in draw.integers(len(names), size=len(names))]
        differences.append(score(rows[0], metric, drawn) - score(rows[1], metric, drawn))
    whole = score(rows[0], metric, names) - score(rows[1], metric, names)
    found = by_video(pooled(rows[0]), pooled(rows[1]))[metric]
    assert found == pytest.approx((whole, *np.quantile(differences, [0.025, 0.975])), abs=1e-6)
    assert found[1] < found[0] < found[2]


def test_the_same_split_twice_tells_no_more_than_once():
    once = [row(seed, {0: range(12)}) for seed in (1, 2)]
    twice = [{0: one[0], 1: one[0]} for one in once]
    alone, doubled = (by_video(*map(pooled, pair)) for pair in (once, twice))
    for metric in ("BLEU-1", "CIDEr", "subject"):
        assert doubled[metric] == pytest.approx(alone[metric], abs=1e-6)
