"""Uncertainty of caption scores: bootstrap intervals and paired differences between two systems."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np

from stgraph.checking import checked
from stgraph.errors import DataError, OptionError
from stgraph.metrics.bleu import bleu_of_sums
from stgraph.metrics.meteor import meteor_of_sums
from stgraph.metrics.scores import CaptionScores

__all__ = ["Interval", "PairedDifference", "bootstrap_intervals", "paired_bootstrap", "scores_of_sets"]

MOST_SAMPLES = 1_000_000
"""Largest number of bootstrap samples."""


@checked
class Interval(NamedTuple):
    """The two ends of an interval."""

    low: float
    high: float


@checked
class PairedDifference(NamedTuple):
    """Score of the first system minus that of the second, its interval, and a two-sided p-value."""

    difference: float
    low: float
    high: float
    p_value: float


@checked
def bootstrap_intervals(
    scores: CaptionScores, samples: int = 1000, level: float = 0.95, seed: int = 0
) -> dict[str, Interval]:
    r"""Percentile intervals of every metric over sets of videos drawn with replacement.

    Each sample is scored like the evaluator would: BLEU and METEOR from summed counts, ROUGE-L and CIDEr as means. CIDEr's
    document frequencies remain those of all references. The interval covers the choice of videos, not the training seed.

    Args:
        scores: Result of a :class:`~stgraph.metrics.CaptionEvaluator`.
        samples: Number of bootstrap samples.
        level: Confidence level, between 0 and 1.
        seed: Seed of the samples, which all metrics share.

    Raises:
        OptionError: If ``samples`` is not from 2 to a million, ``level`` is not between 0 and 1, or ``seed`` is negative.
        DataError: If the scores have no statistics.

    Reference: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.

    >>> scores = CaptionScores({"CIDEr": 0.5}, {"CIDEr": {"a": 0.0, "b": 1.0, "c": 0.5}})
    >>> bootstrap_intervals(scores)["CIDEr"]
    Interval(low=0.0, high=1.0)
    """
    check_samples(samples, level, seed)
    videos = _videos(scores)
    drawn = scores_of_sets(scores, _draws(len(videos), samples, seed), videos)
    return {metric: Interval(*_ends(values, level)) for metric, values in drawn.items()}


@checked
def paired_bootstrap(
    a: CaptionScores, b: CaptionScores, samples: int = 1000, level: float = 0.95, seed: int = 0
) -> dict[str, PairedDifference]:
    r"""Differences a - b between two systems on the same videos, which are resampled for both together.

    .. math:: p = \min\Big(1, 2\, \frac{1 + \min(\#\{d^* \le 0\}, \#\{d^* \ge 0\})}{\mathrm{samples} + 1}\Big)

    with the differences :math:`d^*` of the bootstrap samples; p is a multiple of 2 / (samples + 1) and never smaller
    (0.002 for 1000 samples).

    Args:
        a: Scores of the first system.
        b: Scores of the second system on the same videos, in any order.
        samples: Number of bootstrap samples.
        level: Confidence level, between 0 and 1.
        seed: Seed of the samples, which all metrics share.

    Raises:
        OptionError: If ``samples`` is not from 2 to a million, ``level`` is not between 0 and 1, or ``seed`` is negative.
        DataError: If the videos or metrics differ, or the scores have no statistics.

    Reference: Koehn, EMNLP 2004; the two-sided p of Davison and Hinkley, Bootstrap Methods, 1997, section 4.2.

    >>> a = CaptionScores({"CIDEr": 1.5}, {"CIDEr": {"x": 1.0, "y": 2.0}})
    >>> b = CaptionScores({"CIDEr": 1.0}, {"CIDEr": {"x": 0.5, "y": 1.5}})
    >>> paired_bootstrap(a, b, samples=99)["CIDEr"]
    PairedDifference(difference=0.5, low=0.5, high=0.5, p_value=0.02)
    """
    check_samples(samples, level, seed)
    videos = _videos(a)
    if set(videos) != set(_videos(b)):
        alone = sorted(set(videos) ^ set(_videos(b)))
        raise DataError(
            f"'a' and 'b' must be scores of the same videos, {len(alone)} are in only one (first '{alone[0]}'); "
            "evaluate both on the same split."
        )
    if set(a) != set(b):
        raise DataError(f"'a' and 'b' must have the same metrics, got {', '.join(a)} and {', '.join(b)}.")
    draws = _draws(len(videos), samples, seed)
    drawn, others = scores_of_sets(a, draws, videos), scores_of_sets(b, draws, videos)
    found = {}
    for metric, values in drawn.items():
        differences = values - others[metric]
        sides = min((differences <= 0).sum(), (differences >= 0).sum())
        p_value = min(1.0, 2 * (1 + float(sides)) / (samples + 1))
        found[metric] = PairedDifference(a[metric] - b[metric], *_ends(differences, level), p_value)
    return found


def scores_of_sets(
    scores: CaptionScores, times: np.ndarray, videos: Iterable[str] | None = None
) -> dict[str, np.ndarray]:
    """Scores of sets that contain each video a given number of times.

    Args:
        scores: Scores of all videos.
        times: Number of times that each set contains each video.
        videos: Order of the videos in ``times``; by default that of ``scores``.

    Shapes: times ``[sets, videos]`` -> ``[sets]`` per metric.

    Raises:
        DataError: If the scores have no statistics of BLEU or METEOR.
    """
    order = list(videos or _videos(scores))
    found = {}
    for metric in scores:
        name, of_sums = _FROM_COUNTS.get(metric, ("", None))
        if of_sums is None:
            each = scores.per_video[metric]
            found[metric] = times @ np.array([each[video] for video in order]) / times.sum(axis=1)
        elif name not in scores.statistics:
            raise DataError(f"These scores have no counts of {name} per video; evaluate again to get them.")
        else:
            counts = scores.statistics[name]
            found[metric] = of_sums(times @ np.array([counts[video] for video in order], dtype=float))
    return found


_FROM_COUNTS: dict[str, tuple[str, Callable[[np.ndarray], np.ndarray]]] = {
    **{f"BLEU-{n}": ("BLEU", partial(bleu_of_sums, order=n)) for n in (1, 2, 3, 4)},
    "METEOR": ("METEOR", meteor_of_sums),
}


def _draws(videos: int, samples: int, seed: int) -> np.ndarray:
    """Number of times that each of ``samples`` sets contains each video; built row by row to keep only counts in memory."""
    generator = np.random.default_rng(seed)
    rows = (np.bincount(generator.integers(videos, size=videos), minlength=videos) for _ in range(samples))
    return np.stack(list(rows)).astype(float)


def interval_of(values: np.ndarray, level: float) -> Interval:
    """Percentile interval of the scores of bootstrap samples; samples for which a score is not defined are left out."""
    known = values[~np.isnan(values)]
    return Interval(*_ends(known, level)) if len(known) else Interval(float("nan"), float("nan"))


def _ends(values: np.ndarray, level: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _videos(scores: CaptionScores) -> list[str]:
    return list(next(iter(scores.per_video.values()), {}))


def check_samples(samples: int, level: float, seed: int) -> None:
    """Checks the arguments of a bootstrap.

    Raises:
        OptionError: If ``samples`` is not from 2 to a million, ``level`` is not between 0 and 1, or ``seed`` is negative.
    """
    if not isinstance(samples, Integral) or not 2 <= samples <= MOST_SAMPLES:
        raise OptionError(f"'samples' must be from 2 to {MOST_SAMPLES:,}, got {samples}.")
    if not isinstance(level, Real) or not 0 < level < 1:
        raise OptionError(f"'level' must be between 0 and 1, got {level}.")
    if not isinstance(seed, Integral) or seed < 0:
        raise OptionError(f"'seed' must be 0 or more, got {seed}.")
