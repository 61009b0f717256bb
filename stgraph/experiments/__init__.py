"""Ablation studies: trains every row of a table with every seed and reports means with confidence intervals.

Names are imported on first use, because a worker process must choose its GPU before torch is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stgraph.lazy import lazy_exports

if TYPE_CHECKING:
    from stgraph.experiments.cell import Cell, cell_path, finished_cells, load_cell, save_cell
    from stgraph.experiments.figure import draw_study
    from stgraph.experiments.latex import latex_table
    from stgraph.experiments.report import Block, blocks_of, markdown_report
    from stgraph.experiments.statistics import MeanInterval, mean_interval, paired_interval
    from stgraph.experiments.study import Study, StudyRow
    from stgraph.experiments.sweep import Task, run_tasks

__all__ = [
    "Block",
    "Cell",
    "MeanInterval",
    "Study",
    "StudyRow",
    "Task",
    "blocks_of",
    "cell_path",
    "draw_study",
    "finished_cells",
    "latex_table",
    "load_cell",
    "markdown_report",
    "mean_interval",
    "paired_interval",
    "run_tasks",
    "save_cell",
]

_MODULES = {
    "cell": ("Cell", "cell_path", "finished_cells", "load_cell", "save_cell"),
    "figure": ("draw_study",),
    "latex": ("latex_table",),
    "report": ("Block", "blocks_of", "markdown_report"),
    "statistics": ("MeanInterval", "mean_interval", "paired_interval"),
    "study": ("Study", "StudyRow"),
    "sweep": ("Task", "run_tasks"),
}
__getattr__, __dir__ = lazy_exports(
    __name__, {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}
)
