"""Means over seeds with confidence intervals, and paired differences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from stgraph.checking import checked
from stgraph.errors import DataError
from stgraph.typing import Level

__all__ = ["FEW_RUNS", "MeanInterval", "mean_interval", "paired_interval", "score_limits"]

LEVEL = 0.95
FEW_RUNS = 3
"""Intervals of fewer runs carry a warning in tables and figures: with two, Student's factor is 12.7."""
Limits = tuple[float, float]


def score_limits(metric: str) -> Limits:
    """Smallest and largest value that a score of a caption metric can take; infinite for metrics that are not known here.

    >>> score_limits("noun"), score_limits("CIDEr")
    ((0.0, 1.0), (0.0, 10.0))
    """
    if metric == "CIDEr":
        return 0.0, 10.0
    if metric in ("METEOR", "ROUGE-L", "noun", "verb") or metric.startswith("BLEU-"):
        return 0.0, 1.0
    return -math.inf, math.inf


@checked
class MeanInterval(NamedTuple):
    """Mean, sample standard deviation (n - 1) and confidence limits of the mean; the last three are NaN for one run."""

    mean: float
    deviation: float
    low: float
    high: float
    runs: int

    @property
    def sign(self) -> int:
        """1 if the whole interval lies above 0, -1 if it lies below, else 0."""
        return int(self.low > 0) - int(self.high < 0)


@checked
def mean_interval(
    values: Sequence[float], level: Level = LEVEL, limits: tuple[float, float] = (-math.inf, math.inf)
) -> MeanInterval:
    r"""Student's t confidence interval of the mean of independent runs.

    .. math:: \bar{x} \pm t_{n-1} \, s / \sqrt{n}

    Args:
        values: A value per run.
        level: Level of confidence.
        limits: Smallest and largest possible mean, such as 0 and 1 for a share. The interval is cut there, which excludes
            only impossible means and so keeps its level.

    Raises:
        DataError: If there are no values.

    >>> interval = mean_interval([1.0, 2.0, 3.0])
    >>> interval.mean, interval.deviation, round(interval.low, 3), round(interval.high, 3)
    (2.0, 1.0, -0.484, 4.484)
    >>> mean_interval([0.9, 1.0], limits=(0.0, 1.0)).high
    1.0
    """
    if not len(values):
        raise DataError("An interval needs at least one value, got none; give the scores of the seeds.")
    x = np.asarray(values, dtype=float)
    mean = float(x.mean())
    if len(x) == 1:
        return MeanInterval(mean, float("nan"), float("nan"), float("nan"), 1)
    deviation = float(x.std(ddof=1))
    half = float(stats.t.ppf(0.5 + level / 2, len(x) - 1)) * deviation / len(x) ** 0.5
    low, high = max(mean - half, limits[0]), min(mean + half, limits[1])
    return MeanInterval(mean, deviation, low, high, len(x))


@checked
def paired_interval(
    a: Mapping[int, float],
    b: Mapping[int, float],
    level: Level = LEVEL,
    limits: tuple[float, float] = (-math.inf, math.inf),
) -> MeanInterval:
    """The mean of a - b over the seeds that both have: each pair saw the same data in the same order.

    Args:
        a: A value per seed.
        b: The values to subtract, per seed.
        level: Level of confidence.
        limits: Smallest and largest value that ``a`` and ``b`` can take, which limit their difference.

    Raises:
        DataError: If the two have no seed in common.

    >>> paired_interval({0: 1.0, 1: 3.0}, {0: 0.0, 1: 2.0}).low
    1.0
    """
    seeds = sorted(a.keys() & b.keys())
    if not seeds:
        raise DataError(
            f"No seed is in both, got {sorted(a)} and {sorted(b)}; run the same seeds for both rows."
        )
    room = limits[1] - limits[0]
    return mean_interval([a[seed] - b[seed] for seed in seeds], level, (-room, room))
