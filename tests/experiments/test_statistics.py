"""Intervals compared with scipy's t tests, which are computed independently."""

import math

import numpy as np
import pytest
from scipy import stats

from stgraph.errors import DataError
from stgraph.experiments import mean_interval, paired_interval


def test_the_interval_is_that_of_scipys_t_test():
    values = np.random.default_rng(0).normal(2.0, 1.5, size=7)
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    found = mean_interval(values.tolist())
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.deviation == pytest.approx(np.std(values, ddof=1))
    wide = mean_interval(values.tolist(), level=0.99)
    assert wide.low < found.low < found.high < wide.high


def test_pairs_are_made_by_seed_and_lone_seeds_are_left_out():
    a, b = {3: 1.0, 0: 2.0, 1: 4.0, 9: 100.0}, {0: 1.5, 1: 3.0, 3: 1.2}
    expected = stats.ttest_rel([2.0, 4.0, 1.0], [1.5, 3.0, 1.2]).confidence_interval(0.95)
    found = paired_interval(a, b)
    assert (found.low, found.high, found.runs) == (
        pytest.approx(expected.low),
        pytest.approx(expected.high),
        3,
    )


@pytest.mark.parametrize(
    ("values", "sign"), [([1.0, 1.1, 1.2], 1), ([-1.0, -1.1, -1.2], -1), ([-1.0, 1.0, 0.5], 0), ([1.0], 0)]
)
def test_sign_says_on_which_side_of_zero_the_whole_interval_lies(values, sign):
    assert mean_interval(values).sign == sign


def test_one_value_has_no_interval_and_none_is_an_error():
    assert math.isnan(mean_interval([1.0]).low)
    with pytest.raises(DataError, match="at least one value"):
        mean_interval([])
    with pytest.raises(DataError, match="No seed is in both"):
        paired_interval({0: 1.0}, {1: 1.0})
