"""Rows over splits as a table, and their differences from nearest neighbour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.vrd.cells import NEAREST
from stgraph.experiments import mean_interval, paired_interval
from stgraph.metrics import CaptionScores, Evaluation
from stgraph.metrics.bootstrap import scores_of_sets

METRICS = ("BLEU-1", "METEOR", "ROUGE-L", "CIDEr", "subject")
SAMPLES, LEVEL, SEED = 10_000, 0.95, 0
SYSTEMS = {"stgkd": "STG-KD", "stat": "STAT", "stats": "STaTS"}

Row = Mapping[int, Evaluation]
"""Evaluations by the seed of the split."""


def pooled(row: Row) -> CaptionScores:
    """All test parts as one set: each video once for every split that tests it, as (seed, video)."""
    per_video = _joined({seed: found.scores.per_video for seed, found in row.items()})
    statistics = _joined({seed: found.scores.statistics for seed, found in row.items()})
    names = dict.fromkeys(per_video, 0.0)
    together = CaptionScores(names, per_video, statistics)
    everything = np.ones((1, len(per_video["subject"])))
    return CaptionScores(
        {m: float(v[0]) for m, v in scores_of_sets(together, everything).items()}, per_video, statistics
    )


def _joined(tables: Mapping[int, Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    return {
        metric: {
            f"{seed}/{video}": value
            for seed, table in tables.items()
            for video, value in table[metric].items()
        }
        for metric in next(iter(tables.values()))
    }


def by_video(a: CaptionScores, b: CaptionScores) -> dict[str, tuple[float, float, float]]:
    """Difference a - b of two pooled rows by metric, and its interval over videos.

    A drawn video brings all splits that test it: a video in two splits is one observation, not two.
    """
    pairs = list(a.per_video["subject"])
    names, place = np.unique([pair.partition("/")[2] for pair in pairs], return_inverse=True)
    draw = np.random.default_rng(SEED)
    rows = [
        np.bincount(draw.integers(len(names), size=len(names)), minlength=len(names)) for _ in range(SAMPLES)
    ]
    times = np.stack(rows)[:, place].astype(float)
    ours, theirs = scores_of_sets(a, times, pairs), scores_of_sets(b, times, pairs)
    ends = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    return {
        metric: (a[metric] - b[metric], *map(float, np.quantile(ours[metric] - theirs[metric], ends)))
        for metric in a
    }


def table(rows: Mapping[str, Row]) -> str:
    """The page: means over splits, and differences from nearest neighbour."""
    seeds = sorted(next(iter(rows.values())))
    lines = [
        "# Short captions of 347 real videos",
        "",
        f"`python -m benchmarks.vrd`: {len(seeds)} splits (seeds {', '.join(map(str, seeds))}) of 80 % for training and 20 "
        "% for test. All figures are of the **test** parts, times 100; mean over splits ± standard deviation.",
        "",
        _line("row", *METRICS),
        _line(*["---"] * (1 + len(METRICS))),
    ]
    for name, row in rows.items():
        found = [mean_interval([100 * row[seed].scores[metric] for seed in seeds]) for metric in METRICS]
        lines.append(_line(_title(name), *(f"{value.mean:.1f} ± {value.deviation:.1f}" for value in found)))
    nearest = rows[NEAREST]
    for name, row in rows.items():
        if name == NEAREST:
            continue
        lines += ["", f"## {_title(name)} less {_title(NEAREST)}", "",
                  _line("metric", "difference", "95 % over videos", "95 % over splits", "splits ahead"),
                  _line(*["---"] * 5)]  # fmt: skip
        differences = by_video(pooled(row), pooled(nearest))
        for metric in METRICS:
            ours, theirs = (
                {seed: found.scores[metric] for seed, found in one.items()} for one in (row, nearest)
            )
            student = paired_interval(ours, theirs)
            ahead = sum(ours[seed] > theirs[seed] for seed in seeds)
            difference, low, high = (100 * value for value in differences[metric])
            lines.append(_line(metric, f"{difference:+.1f}", _ends(low, high),
                               _ends(100 * student.low, 100 * student.high), f"{ahead} of {len(seeds)}"))  # fmt: skip
    lines += [
        "",
        "Differences are of all test parts scored as one set. Over videos: a paired bootstrap "
        f"({SAMPLES:,} draws; a drawn video brings every split that tests it). Over splits: Student's interval of the "
        "paired differences; splits share videos, so they are not independent. **Bold** leaves out 0. \"subject\" is the "
        "share of captions whose first noun is that of the reference.",
        "",
    ]  # fmt: skip
    return "\n".join(lines)


def _ends(low: float, high: float) -> str:
    text = f"{low:+.1f} to {high:+.1f}"
    return f"**{text}**" if low > 0 or high < 0 else text


def _title(name: str) -> str:
    system, _, rest = name.partition("_")
    return f"{SYSTEMS[system]}, {rest.replace('_', ' ')}" if system in SYSTEMS else name.replace("_", " ")


def _line(*values: str) -> str:
    return f"| {' | '.join(values)} |"
