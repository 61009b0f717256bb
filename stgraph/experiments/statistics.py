"""Means over seeds with confidence intervals, and paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from stgraph.checking import checked
from stgraph.errors import DataError

__all__ = ["MeanInterval", "mean_interval", "paired_interval"]

LEVEL = 0.95


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
def mean_interval(values: Sequence[float], level: float = LEVEL) -> MeanInterval:
    r"""Student's t confidence interval of the mean of independent runs.

    .. math:: \bar{x} \pm t_{n-1} \, s / \sqrt{n}

    Raises:
        DataError: If there are no values.

    >>> interval = mean_interval([1.0, 2.0, 3.0])
    >>> interval.mean, interval.deviation, round(interval.low, 3), round(interval.high, 3)
    (2.0, 1.0, -0.484, 4.484)
    """
    if not len(values):
        raise DataError("An interval needs at least one value, got none.")
    x = np.asarray(values, dtype=float)
    mean = float(x.mean())
    if len(x) == 1:
        return MeanInterval(mean, float("nan"), float("nan"), float("nan"), 1)
    deviation = float(x.std(ddof=1))
    half = float(stats.t.ppf(0.5 + level / 2, len(x) - 1)) * deviation / len(x) ** 0.5
    return MeanInterval(mean, deviation, mean - half, mean + half, len(x))


@checked
def paired_interval(a: Mapping[int, float], b: Mapping[int, float], level: float = LEVEL) -> MeanInterval:
    """The mean of a - b over the seeds that both have: each pair saw the same data in the same order.

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
    return mean_interval([a[seed] - b[seed] for seed in seeds], level)
