"""Plots a study: scores of every run, means with confidence intervals, and paired differences."""

from __future__ import annotations

import textwrap
from pathlib import Path

from stgraph import errors
from stgraph.checking import checked
from stgraph.experiments.report import Cells, values_by_seed
from stgraph.experiments.statistics import mean_interval, paired_interval
from stgraph.experiments.study import Study
from stgraph.files import save_figure

__all__ = ["draw_study"]


@checked
def draw_study(study: Study, cells: Cells, path: str | Path, metric: str = "CIDEr") -> Path | None:
    """Plots runs and means per row on the left, and paired differences to the reference on the right, times 100.

    Filled points show the tested branch of a row, hollow points the other branches of the same runs.

    Returns:
        ``path``, or None if no row has the metric.
    """
    from matplotlib.figure import Figure

    shown = {
        row: cells[row]
        for row in study.rows
        if cells.get(row)
        and not study.rows[row].hidden
        and values_by_seed(cells[row], next(iter(cells[row].values())).tested, metric)
    }
    if not shown:
        return None
    titles = [_wrapped(study.rows[row].title, 34) for row in shown]
    lines = max(title.count("\n") + 1 for title in titles)
    row_height = max(0.42, 0.17 * lines + 0.1)
    figure = Figure(figsize=(9.5, 1.1 + row_height * len(shown)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    for place, (row, runs) in enumerate(shown.items()):
        tested = next(iter(runs.values())).tested
        branches = sorted(
            {branch for cell in runs.values() for branch in cell.scores}, key=lambda b: b != tested
        )
        for offset, branch in enumerate(branches):
            values = values_by_seed(runs, branch, metric)
            scores = [100 * value for value in values.values()]
            y, own = place + 0.22 * offset, branch == tested
            color = _COLORS.get(branch, "0.3")
            left.plot(
                scores, [y] * len(scores), "o", ms=4, mec=color, mfc=color if own else "none", alpha=0.6
            )
            found = mean_interval(scores)
            if found.runs > 1:
                left.plot([found.low, found.high], [y, y], color=color, lw=1.2)
            left.plot([found.mean], [y], "|", ms=12, color=color)
            first = study.references[0] if study.references else ""
            reference = shown.get(first, {}) if first in study.references_of(row) else {}
            if own and reference:
                against = values_by_seed(reference, next(iter(reference.values())).tested, metric)
                if values.keys() & against.keys():
                    pair = paired_interval(values, against)
                    bold = color if pair.sign else "0.5"
                    right.plot([100 * pair.low, 100 * pair.high], [place, place], color=bold, lw=1.8)
                    right.plot([100 * pair.mean], [place], "o", ms=5, color=bold)
    right.axvline(0, color="0.7", lw=0.8, zorder=0)
    left.set_yticks(range(len(shown)), titles)
    # Neither the first row nor the further branches below the last one lie on the frame.
    left.set_ylim(len(shown) - 0.3, -0.6)
    split = next(iter(next(iter(shown.values())).values())).split
    left.set_xlabel(f"{metric} x 100, {split} split")
    if study.references:
        right.set_xlabel(f"difference to\n{_wrapped(study.rows[study.references[0]].title, 40)}")
    used = {branch for runs in shown.values() for cell in runs.values() for branch in cell.scores}
    for branch in sorted(used):
        left.plot([], [], "o", ms=4, color=_COLORS.get(branch, "0.3"), label=f"{branch} branch")
    figure.legend(loc="outside upper right", ncols=len(used), fontsize=8, frameon=False)
    figure.suptitle(_wrapped(study.title, 70), x=0.01, ha="left", fontsize=10)
    for axes in (left, right):
        axes.grid(axis="x", color="0.93")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path, dpi=150)
    return Path(path)


def _wrapped(text: str, width: int) -> str:
    """Breaks text into lines; it is drawn as it is, and dollar signs start no formula."""
    return "\n".join(textwrap.wrap(errors.shown(text, 1000), width)).replace("$", r"\$")


_COLORS = {"scene": "#3b6ea5", "object": "#c1622d", "joint": "#4d8f57", "stat": "#8a5a9e", "stats": "#2f8f8f"}
