"""``python -m benchmarks.vrd --data DIR``: rows x splits, then the table. The same command resumes a stopped run."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from benchmarks.vrd.cells import NEAREST, SYSTEMS, CellTask, run_cell
from benchmarks.vrd.data import prepare
from benchmarks.vrd.table import table
from stgraph.errors import StgraphError
from stgraph.experiments import Task, run_tasks
from stgraph.metrics import Evaluation
from stgraph.quiet import quieten


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.vrd", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with resnet152/, conv3d/, captions.json"
    )
    parser.add_argument("--rows", nargs="+", choices=[NEAREST, *SYSTEMS], default=[NEAREST, *SYSTEMS])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4], help="of the splits")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes, of one thread each")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results/vrd"))
    parser.add_argument("--runs", type=Path, default=Path("runs/vrd"), help="the store, splits and runs")
    chosen = parser.parse_args()
    data = prepare(chosen.data, chosen.runs, chosen.seeds)
    cells = [
        CellTask(
            row,
            seed,
            tuple(data[seed]),
            chosen.runs / row / str(seed),
            chosen.results / row / f"{seed}.json",
        )
        for row in chosen.rows
        for seed in chosen.seeds
    ]
    todo = [Task(f"{cell.row}, seed {cell.seed}", cell) for cell in cells if not cell.finished()]
    print(f"{len(cells) - len(todo)} of {len(cells)} cells are finished, {len(todo)} to run")
    for task, answer in run_tasks(run_cell, todo, jobs=chosen.jobs, threads=1, begin=quieten):
        if isinstance(answer, StgraphError):
            raise answer
        scores = Evaluation.load(answer).scores
        shown = ", ".join(f"{metric} {100 * scores[metric]:.1f}" for metric in ("BLEU-1", "CIDEr", "subject"))
        print(f"{task.name}: {shown} (test)", flush=True)
    rows = {
        row: {cell.seed: Evaluation.load(cell.result) for cell in cells if cell.row == row}
        for row in chosen.rows
    }
    if NEAREST in rows:
        text = table(rows)
        (chosen.results / "table.md").write_text(text)
        print(text)


if __name__ == "__main__":
    main()
