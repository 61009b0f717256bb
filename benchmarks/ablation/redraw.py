"""Writes the pages, LaTeX tables and figures of all committed cells again: ``python -m benchmarks.ablation.redraw``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stgraph.experiments import Cell, Study
from stgraph.experiments.pages import load_cells, write_study
from stgraph.experiments.plan import study_of
from stgraph.experiments.video_pairs import VideoPair, load_pairs

RESULTS = Path(__file__).parent.parent / "results"


def committed_studies() -> Iterator[tuple[Study, dict[str, dict[int, Cell]], list[VideoPair]]]:
    """Yields each table of ``benchmarks/results`` with its cells and its differences over test videos."""
    for folder in sorted(path.parent for path in RESULTS.glob("*/table.tex")):
        study, _ = study_of([f"table={folder.name}"])
        yield study, study.with_branches(load_cells(RESULTS, study)), load_pairs(folder / "videos.json")


def main() -> None:
    for study, cells, pairs in committed_studies():
        write_study(study, cells, RESULTS / study.name, pairs)


if __name__ == "__main__":
    main()
