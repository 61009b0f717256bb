"""The page on rewards says what the scores of its runs say."""

import pytest

from benchmarks.reinforce.__main__ import SHOWN, compared, main, over_videos, page
from stgraph.errors import MissingDataError


def rows():
    start = {seed: dict.fromkeys(SHOWN, 0.5 + 0.1 * seed) for seed in range(3)}
    return {
        "cross_entropy": start,
        "longer": {
            seed: {metric: value + 0.01 for metric, value in found.items()} for seed, found in start.items()
        },
        "rewarded": {
            seed: {metric: value + 0.04 + 0.01 * seed for metric, value in found.items()}
            for seed, found in start.items()
        },
    }


def test_differences_are_paired_by_seed():
    found = compared(rows())["rewarded"]["METEOR"]
    assert found["mean"][0] == pytest.approx(65)
    # 4, 5 and 6 points above the start: mean 5, standard error 1 / sqrt(3), Student's 4.303 for two degrees of freedom
    half = 4.3027 / 3**0.5
    assert found["less cross_entropy"] == pytest.approx([5, 5 - half, 5 + half], abs=0.01)
    assert found["less longer"] == pytest.approx([4, 4 - half, 4 + half], abs=0.01)
    assert "less cross_entropy" not in compared(rows())["cross_entropy"]["METEOR"]


def test_intervals_that_leave_out_0_are_bold():
    rewards = {
        row: {seed: dict.fromkeys("ab", scores["METEOR"]) for seed, scores in found.items()}
        for row, found in rows().items()
    }
    videos = over_videos(rewards)
    assert videos["rewarded"]["cross_entropy"][0] == pytest.approx(5)
    text = page({"stats_reinforce": compared(rows())}, {"stats_reinforce": videos}, 3)
    line = next(
        line for line in text.splitlines() if line.startswith("| rewards, greedy baseline, less cross")
    )
    assert line.count("**+5.0 (+2.5 to +7.5)**") == len(SHOWN)
    assert "**validation**" in text


def test_a_missing_run_is_named(tmp_path):
    (tmp_path / "stat_reinforce" / "cross_entropy").mkdir(parents=True)
    with pytest.raises(MissingDataError, match=r"There is no run at .*cross_entropy/0"):
        main(["--runs", str(tmp_path), "--tables", "stat_reinforce", "--output", str(tmp_path / "out")])
