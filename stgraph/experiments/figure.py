"""Plots a study: scores of every run, means with confidence intervals, and paired differences."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from stgraph.checking import checked
from stgraph.drawing import COLOURS, literal, styled
from stgraph.experiments.cell import Cell
from stgraph.experiments.report import FEW, Cells, values_by_seed
from stgraph.experiments.statistics import (
    FEW_RUNS,
    MeanInterval,
    mean_interval,
    paired_interval,
    score_limits,
)
from stgraph.experiments.study import Study
from stgraph.files import save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_study"]

_WIDTH = 7.0  # inches, the width of a page
_BRANCHES = {"scene": 5, "object": 4, "joint": 2, "stat": 3, "stats": 1}  # places in COLOURS
_UNDECIDED = "0.55"
_LINE = 0.15  # height of a line of text


@checked
@styled
def draw_study(study: Study, cells: Cells, path: str | Path, metric: str = "CIDEr") -> Path | None:
    """Plots runs and means per row on the left, and paired differences to the reference on the right, times 100.

    Filled points show the tested branch of a row, hollow points the other branches of the same runs. Diamonds are published
    scores if the cells are of the same data set; scores on other data sets are written beside the row. Rows of fewer than
    three seeds are marked, as their intervals say little.

    Returns:
        ``path``, or None if no row has the metric.
    """
    from matplotlib.figure import Figure

    shown = {
        row: cells[row]
        for row in study.rows
        if cells.get(row)
        and not study.rows[row].hidden
        and values_by_seed(cells[row], _tested(cells[row]), metric)
    }
    if not shown:
        return None
    few = {row for row, runs in shown.items() if len(values_by_seed(runs, _tested(runs), metric)) < FEW_RUNS}
    titles = [
        _wrapped(f"{study.rows[row].title} {FEW}" if row in few else study.rows[row].title, 34)
        for row in shown
    ]
    data = {cell.dataset for runs in shown.values() for cell in runs.values()}
    published = {row: _published(study, row, metric) for row in shown}
    elsewhere = sorted({name for scores in published.values() for name in scores} - data)
    here = len(data) == 1 and any(data & scores.keys() for scores in published.values())
    branches = sorted({branch for runs in shown.values() for cell in runs.values() for branch in cell.scores})
    title = _wrapped(
        study.title, max(95 - 16 * len(branches), 30)
    )  # the names of the branches stand beside it
    legend = _legend(study, shown, here=here, few=bool(few))
    row_height = max(0.3, _LINE * max(text.count("\n") + 1 for text in titles) + 0.08)
    text_height = _LINE * (title.count("\n") + legend.count("\n") + 2)
    figure = Figure(figsize=(_WIDTH, 0.9 + text_height + row_height * len(shown)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    first = study.references[0] if study.references else ""
    for place, (row, runs) in enumerate(shown.items()):
        _draw_branches(left, place, runs, metric)
        if here and (value := published[row].get(next(iter(data)))) is not None:
            left.plot([value], [place], "D", ms=5, mec="black", mfc="white", zorder=3)
        scores = [f"{published[row][name]:.1f}" if name in published[row] else "-" for name in elsewhere]
        right.annotate(
            " / ".join(scores) if published[row] else "", (1, place), (6, 0), ("axes fraction", "data"), "offset points",
            va="center", fontsize=7, color="0.35", annotation_clip=False,
        )  # fmt: skip
        if first in shown and first in study.references_of(row):
            _draw_difference(right, place, runs, shown[first], metric)
    if elsewhere:
        right.annotate(
            f"published, on\n{' / '.join(elsewhere)}", (1, 1), (6, 2), "axes fraction", "offset points",
            va="bottom", fontsize=7, color="0.35",
        )  # fmt: skip
    right.axvline(0, color="0.7", lw=0.8, zorder=0)
    left.set_yticks(range(len(shown)), titles)
    # Neither the first row nor the further branches below the last one lie on the frame.
    left.set_ylim(len(shown) - 0.3, -0.6)
    split = next(iter(next(iter(shown.values())).values())).split
    left.set_xlabel(f"{literal(metric)} x 100, {split} split")
    if study.references:
        right.set_xlabel(f"difference to\n{_wrapped(study.rows[study.references[0]].title, 40)}")
    else:
        right.set_axis_off()
    figure.suptitle(title, x=0.01, ha="left", fontsize=9)
    figure.supxlabel(legend, x=0.01, ha="left", fontsize=7, color="0.25")
    for axes in (left, right):
        axes.grid(axis="x", color="0.93")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    for branch in branches:
        left.plot([], [], "o", ms=4, color=_colour(branch), label=f"{literal(branch)} branch")
    figure.legend(
        loc="outside upper right", ncols=len(branches), frameon=False, columnspacing=1, handletextpad=0.1
    )
    save_figure(figure, path, dpi=200)
    return Path(path)


def _draw_branches(axes: Axes, place: int, runs: Mapping[int, Cell], metric: str) -> None:
    """Points of the runs with mean and interval, the tested branch first and the others below it."""
    tested = _tested(runs)
    branches = sorted({branch for cell in runs.values() for branch in cell.scores}, key=lambda b: b != tested)
    for offset, branch in enumerate(branches):
        values = list(values_by_seed(runs, branch, metric).values())
        if not values:
            continue
        y, colour = place + 0.24 * offset, _colour(branch)
        face = colour if branch == tested else "white"
        axes.plot(
            [100 * value for value in values], [y] * len(values), "o", ms=3.5, mec=colour, mfc=face, alpha=0.6
        )
        found = _times_100(mean_interval(values, limits=score_limits(metric)))
        if found.runs > 1:
            axes.plot([found.low, found.high], [y, y], color=colour, lw=1.2)
        axes.plot([found.mean], [y], "|", ms=9, color=colour)


def _draw_difference(
    axes: Axes, place: int, runs: Mapping[int, Cell], reference: Mapping[int, Cell], metric: str
) -> None:
    ours, theirs = (values_by_seed(each, _tested(each), metric) for each in (runs, reference))
    if not ours.keys() & theirs.keys():
        return
    pair = _times_100(paired_interval(ours, theirs, limits=score_limits(metric)))
    colour = _colour(_tested(runs)) if pair.sign else _UNDECIDED
    axes.plot([pair.low, pair.high], [place, place], color=colour, lw=1.8)
    axes.plot([pair.mean], [place], "o", ms=5, color=colour)


def _legend(study: Study, shown: Cells, *, here: bool, few: bool) -> str:
    """Sentences that explain what is drawn, and no other."""
    runs = [cell for of_row in shown.values() for cell in of_row.values()]
    parts = ["Points: runs. Bar: mean. Line: 95 % interval of the mean over seeds."]
    if any(len(cell.scores) > 1 for cell in runs):
        parts.append("Hollow: other branches of the same runs.")
    if study.references:
        parts.append("Grey difference: its interval includes 0.")
    if here:
        parts.append("Diamond: published.")
    if few:
        parts.append(f"{FEW} Warning: fewer than three seeds, so the interval is missing or says little.")
    return textwrap.fill(" ".join(parts), 135)


def _published(study: Study, row: str, metric: str) -> dict[str, float]:
    return {name: scores[metric] for name, scores in study.rows[row].published.items() if metric in scores}


def _times_100(found: MeanInterval) -> MeanInterval:
    mean, deviation, low, high = (100 * value for value in found[:4])
    return MeanInterval(mean, deviation, low, high, found.runs)


def _tested(runs: Mapping[int, Cell]) -> str:
    return next(iter(runs.values())).tested


def _colour(branch: str) -> str:
    return COLOURS[_BRANCHES.get(branch, 0)]


def _wrapped(text: str, width: int) -> str:
    """Breaks text into lines; it is drawn as it is, and dollar signs start no formula."""
    return "\n".join(literal(line, 1000) for line in textwrap.wrap(text, width))
