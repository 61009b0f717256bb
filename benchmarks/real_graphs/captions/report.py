"""The table of a caption task: scores, the control, and paired intervals over test videos and over people or seeds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stgraph.experiments import MeanInterval, paired_interval
from stgraph.metrics import CaptionScores
from stgraph.metrics.bootstrap import scores_of_sets

METRICS = ("BLEU-4", "CIDEr")
DRAWS = 1000

Scores = Mapping[int, Mapping[str, CaptionScores]]
"""Seed -> fold -> scores, of one row."""


def mean_score(scores: Scores, metric: str) -> float:
    """Mean over folds and seeds."""
    return float(np.mean([found[metric] for folds in scores.values() for found in folds.values()]))


def by_seed(scores: Scores, metric: str) -> dict[int, float]:
    """Mean over folds, by seed."""
    return {
        seed: float(np.mean([found[metric] for found in folds.values()])) for seed, folds in scores.items()
    }


def by_fold(scores: Scores, metric: str) -> dict[str, float]:
    """Mean over seeds, by fold."""
    names = next(iter(scores.values()))
    return {name: float(np.mean([folds[name][metric] for folds in scores.values()])) for name in names}


def over_videos(a: Scores, b: Scores, metric: str, seed: int = 0) -> tuple[float, float, float]:
    """Difference of the means over seeds, a less b, with a 95 % interval: test videos are drawn with replacement.

    Clips of one video are drawn together.
    """
    random = np.random.default_rng(seed)
    seeds = sorted(set(a) & set(b))
    folds = list(a[seeds[0]])
    drawn = np.zeros(DRAWS)
    for fold in folds:
        items = list(a[seeds[0]][fold].per_video[metric])
        videos, place = np.unique([item.split("/")[0] for item in items], return_inverse=True)
        chances = np.full(len(videos), 1 / len(videos))
        times = random.multinomial(len(videos), chances, size=DRAWS)[:, place].astype(float)
        for each in seeds:
            ours, theirs = (scores_of_sets(row[each][fold], times, items)[metric] for row in (a, b))
            drawn += (ours - theirs) / (len(folds) * len(seeds))
    low, high = np.quantile(drawn, [0.025, 0.975])
    mine, other = (mean_score({each: row[each] for each in seeds}, metric) for row in (a, b))
    return mine - other, float(low), float(high)


def over_groups(a: Scores, b: Scores, metric: str) -> MeanInterval:
    """The same over people, if there are several folds, or else over seeds."""
    ours, theirs = by_fold(a, metric), by_fold(b, metric)
    if len(ours) == 1:
        return paired_interval(by_seed(a, metric), by_seed(b, metric))
    return paired_interval(*(dict(enumerate(each.values())) for each in (ours, theirs)))


def table(
    titles: Mapping[str, str], scores: Mapping[str, Scores], controls: Mapping[str, Scores], reference: str
) -> str:
    """The rows in Markdown; all others are compared with ``reference``."""
    folds = list(next(iter(next(iter(scores.values())).values())))
    several = len(folds) > 1
    heads = ["row", *METRICS, "CIDEr over seeds"]
    heads += ["CIDEr by person"] if several else []
    heads += ["CIDEr, features of another video", f'CIDEr less "{titles[reference]}", over videos']
    heads += ["over people" if several else "over seeds"]
    lines = [_line(*heads), _line(*["---"] * len(heads))]
    for name, found in scores.items():
        seeds = by_seed(found, "CIDEr").values()
        cells = [titles[name], *(f"{mean_score(found, metric):.3f}" for metric in METRICS)]
        cells += [f"{min(seeds):.3f} to {max(seeds):.3f}" if len(set(seeds)) > 1 else ""]
        if several:
            cells += [", ".join(f"{fold} {value:.3f}" for fold, value in by_fold(found, "CIDEr").items())]
        cells += [f"{mean_score(controls[name], 'CIDEr'):.3f}" if name in controls else ""]
        if name == reference:
            cells += ["", ""]
        else:
            cells += [_interval(*over_videos(found, scores[reference], "CIDEr"))]
            group = over_groups(found, scores[reference], "CIDEr")
            cells += [_interval(group.mean, group.low, group.high) if group.runs > 1 else ""]
        lines.append(_line(*cells))
    return "\n".join(lines)


def _interval(mean: float, low: float, high: float) -> str:
    return f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"


def _line(*values: str) -> str:
    return f"| {' | '.join(values)} |"
