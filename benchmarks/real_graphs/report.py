"""The table of a task: scores, paired intervals over test videos and over people, and the sentence that they support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from benchmarks.real_graphs.drawn import Draws, drawn_scores
from stgraph.experiments import paired_interval
from stgraph.metrics import CLASSIFICATION_METRICS, Predictions

Cells = Mapping[int, Mapping[str, Predictions]]
"""Seed -> fold -> predictions, of one row."""
DRAWS = 400


@cache
def score(found: Predictions, metric: str) -> float:
    """A score of all targets."""
    return CLASSIFICATION_METRICS[metric](found.true, found.predicted, found.probabilities)


def mean_score(cells: Cells, metric: str) -> float:
    """Mean over folds and seeds."""
    return float(np.mean([score(found, metric) for folds in cells.values() for found in folds.values()]))


def by_seed(cells: Cells, metric: str) -> dict[int, float]:
    """Mean over folds, by seed."""
    return {
        seed: float(np.mean([score(found, metric) for found in folds.values()]))
        for seed, folds in cells.items()
    }


def by_fold(cells: Cells, metric: str) -> dict[str, float]:
    """Mean over seeds, by fold."""
    names = next(iter(cells.values()))
    return {name: float(np.mean([score(folds[name], metric) for folds in cells.values()])) for name in names}


def over_videos(
    a: Cells, b: Cells, metric: str, seed: int = 0, known: dict[int, np.ndarray] | None = None
) -> tuple[float, float, float]:
    """Difference of the means over seeds, a less b, with a 95 % interval: test videos are drawn with replacement.

    Args:
        a: Cells of a row.
        b: Cells of the row that it is compared with.
        metric: Name of the score.
        seed: Seed of the samples.
        known: Scores of samples by ``id`` of the predictions, which are kept here for further calls with the same seed.
    """
    generator, known = np.random.default_rng(seed), {} if known is None else known
    seeds = sorted(set(a) & set(b))
    draws = {name: _draw(found, generator) for name, found in a[seeds[0]].items()}

    def drawn(found: Predictions, fold: str) -> np.ndarray:
        if id(found) not in known:
            known[id(found)] = drawn_scores(found, metric, draws[fold])
        return known[id(found)]

    pairs = [(a[each][name], b[each][name], name) for each in seeds for name in draws]
    samples = np.nanmean([drawn(one, name) - drawn(other, name) for one, other, name in pairs], 0)
    low, high = np.nanpercentile(samples, [2.5, 97.5])
    mean = np.nanmean([score(one, metric) - score(other, metric) for one, other, _ in pairs])
    return float(mean), float(low), float(high)


def _draw(found: Predictions, generator: np.random.Generator) -> Draws:
    """Samples of whole videos; windows of one video are drawn together."""
    videos = [item.split("/")[0] for item in found.items]
    numbers = {video: number for number, video in enumerate(dict.fromkeys(videos))}
    times = generator.multinomial(len(numbers), np.full(len(numbers), 1 / len(numbers)), size=DRAWS)
    return Draws(np.array([numbers[video] for video in videos]), times)


def table(
    titles: Mapping[str, str],
    cells: Mapping[str, Cells],
    metric: str,
    edge_free: Sequence[str],
    folds_are: str = "people",
) -> tuple[str, str | None]:
    """The rows in Markdown, and the name of the best row without edges, with which the others are compared, if any.

    Args:
        titles: Title of each row.
        cells: Cells of each row.
        metric: Name of the score.
        edge_free: Rows without edges.
        folds_are: What is held out, as the heading of the last column has it.
    """
    best = max(
        (name for name in edge_free if name in cells),
        key=lambda name: mean_score(cells[name], metric),
        default=None,
    )
    known: dict[int, np.ndarray] = {}
    words = metric.replace("_", " ")
    lines = [
        f"| row | {words} | over seeds | by fold | less the best without edges, over videos | over {folds_are} |",
        "|---|---|---|---|---|---|",
    ]
    for name, found in cells.items():
        seeds, folds = by_seed(found, metric), by_fold(found, metric)
        spread = f"{min(seeds.values()):.3f} to {max(seeds.values()):.3f}"
        people = ", ".join(f"{fold} {value:.3f}" for fold, value in folds.items())
        against, over_people = "", ""
        if best is not None and name != best:
            mean, low, high = over_videos(found, cells[best], metric, known=known)
            against = f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"
            reference = by_fold(cells[best], metric)
            if len(folds) > 1:
                numbered = {fold: number for number, fold in enumerate(folds)}
                a = {numbered[fold]: value for fold, value in folds.items()}
                b = {numbered[fold]: value for fold, value in reference.items()}
                paired = paired_interval(a, b)
                over_people = f"{paired.mean:+.3f} ({paired.low:+.3f} to {paired.high:+.3f})"
        lines.append(
            f"| {titles[name]} | {mean_score(found, metric):.3f} | {spread} | {people} | {against} | {over_people} |"
        )
    return "\n".join(lines), best


def controls(
    titles: Mapping[str, str], cells: Mapping[str, Cells], metric: str, changes: Mapping[str, str]
) -> str:
    """How far each control falls below the row that it changes, a list for each of those rows in Markdown.

    Args:
        titles: Title of each row.
        cells: Cells of each row.
        metric: Name of the score.
        changes: Row that each control changes.
    """
    lists: dict[str, list[str]] = {}
    for name, changed in changes.items():
        if name in cells and changed in cells:
            mean, low, high = over_videos(cells[name], cells[changed], metric)
            lines = lists.setdefault(changed, [])
            lines.append(f"- {titles[name]}: {mean:+.3f} ({low:+.3f} to {high:+.3f} over videos)\n")
    return "\n".join(
        f'The controls less "{titles[changed]}", which they change:\n\n{"".join(lines)}'
        for changed, lines in lists.items()
    )
