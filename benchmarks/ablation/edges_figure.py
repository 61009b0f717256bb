"""Draws when edges help, of the cells of ``table=edges``: ``python -m benchmarks.ablation.edges_figure``.

A panel per kind of object features, a line per graph and pool: its score less that of A = I with the same features and pool,
paired by seed, with a 95 % interval.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ablation.redraw import RESULTS
from stgraph.drawing import COLOURS, styled
from stgraph.experiments import Cell, MeanInterval, paired_interval
from stgraph.experiments.pages import load_cells
from stgraph.experiments.plan import study_of
from stgraph.experiments.report import values_by_seed
from stgraph.files import save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEATURES = {
    "appearance": "appearance",
    "geometry": "appearance, geometry",
    "motion": "appearance, geometry, motion",
}
GRAPHS = {
    "none": "A = 0",
    "paper": "the paper's",
    "sharper": "sharper",
    "track": "along tracks",
    "track_geometry": "tracks, geometry",
    "dense": "dense",
}
POOLS = {"mean": (COLOURS[1], -0.12), "attention": (COLOURS[5], 0.12)}
WIDTH, HEIGHT = 7.0, 2.6  # inches


def differences(
    cells: Mapping[str, Mapping[int, Cell]], metric: str
) -> dict[tuple[str, str, str], MeanInterval]:
    """Score less that of A = I, by features, graph and pool; what lacks a cell in common is left out."""
    found = {}
    for features in FEATURES:
        for pool in POOLS:
            base = values_by_seed(cells.get(f"{features}_identity_{pool}", {}), "object", metric)
            for graph in GRAPHS:
                own = values_by_seed(cells.get(f"{features}_{graph}_{pool}", {}), "object", metric)
                if own.keys() & base.keys():
                    found[features, graph, pool] = paired_interval(own, base)
    return found


@styled
def draw(cells: Mapping[str, Mapping[int, Cell]], path: Path, metric: str = "CIDEr") -> Path:
    """Draws the figure."""
    from matplotlib.figure import Figure

    found = differences(cells, metric)
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    panels = figure.subplots(1, len(FEATURES), sharex=True, sharey=True)
    for axes, (features, title) in zip(panels, FEATURES.items(), strict=True):
        axes.set_title(title)
        axes.axvline(0, color="0.6", lw=0.8, zorder=0)
        axes.grid(axis="x", color="0.93")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        for place, graph in enumerate(GRAPHS):
            for pool in POOLS:
                if (features, graph, pool) in found:
                    _line(axes, place, pool, found[features, graph, pool])
    panels[0].set_yticks(range(len(GRAPHS)), GRAPHS.values())
    panels[0].set_ylim(len(GRAPHS) - 0.5, -0.5)
    panels[1].set_xlabel(
        f"{metric} x 100 less that of A = I with the same features and pool, 95 % interval over seeds"
    )
    for pool, (colour, _) in POOLS.items():
        panels[0].plot([], [], "o-", ms=4, color=colour, label=f"{pool} over objects")
    figure.legend(loc="outside upper right", ncols=len(POOLS), frameon=False)
    save_figure(figure, path, dpi=200)
    return path


def _line(axes: Axes, place: int, pool: str, found: MeanInterval) -> None:
    colour, offset = POOLS[pool]
    if found.runs > 1:
        axes.plot([100 * found.low, 100 * found.high], [place + offset] * 2, color=colour, lw=1.4)
    face = colour if found.sign else "white"  # hollow: undecided
    axes.plot([100 * found.mean], [place + offset], "o", ms=4, mec=colour, mfc=face)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the table's folder")
    parser.add_argument("--metric", default="CIDEr", help="CIDEr, verb, noun, ...")
    options = parser.parse_args()
    study, _ = study_of(["table=edges"])
    name = "edges.svg" if options.metric == "CIDEr" else f"edges_{options.metric}.svg"
    print(draw(load_cells(options.results, study), options.results / study.name / name, options.metric))


if __name__ == "__main__":
    main()
