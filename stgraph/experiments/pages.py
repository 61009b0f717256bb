"""Files of a study: its page, its LaTeX tables and its figure, made of the cells on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from stgraph.experiments.cell import Cell, load_cell
from stgraph.experiments.figure import draw_study
from stgraph.experiments.latex import latex_table
from stgraph.experiments.report import Cells, blocks_of, markdown_report
from stgraph.experiments.study import Study
from stgraph.experiments.video_pairs import VideoPair
from stgraph.files import write_text

__all__ = ["load_cells", "study_texts", "write_study"]


def load_cells(results: Path, study: Study) -> dict[str, dict[int, Cell]]:
    """Loads all finished cells of a table by row and seed, including those of earlier calls."""
    found: dict[str, dict[int, Cell]] = {}
    for row in study.rows:
        for path in (results / study.name / row).glob("*.json"):
            cell = load_cell(path)
            if cell is not None:
                found.setdefault(row, {})[cell.seed] = cell
    return found


def write_study(study: Study, cells: Cells, folder: Path, pairs: Sequence[VideoPair] = ()) -> None:
    """Writes ``figure.svg``, ``table.md`` and ``table.tex`` into a folder.

    Args:
        study: The study.
        cells: Its finished cells, with the rows that show a branch of another row.
        folder: Folder to write to.
        pairs: Differences over test videos.
    """
    figure = draw_study(study, cells, folder / "figure.svg", study.main_metric)
    for name, text in study_texts(study, cells, figure.name if figure else None, pairs).items():
        write_text(folder / name, text)


def study_texts(
    study: Study, cells: Cells, figure: str | None, pairs: Sequence[VideoPair] = ()
) -> Mapping[str, str]:
    """Returns the content of ``table.md`` and ``table.tex``; ``figure`` is the file name of the figure to include."""
    blocks = blocks_of(study, cells, pairs)
    return {
        "table.md": markdown_report(study, cells, figure, pairs),
        "table.tex": "\n\n".join(latex_table(block, study.name) for block in blocks) + "\n",
    }
