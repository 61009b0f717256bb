"""The last lines of a training: its best validation, its folder, and the next command."""

from __future__ import annotations

import csv
from pathlib import Path

__all__ = ["training_summary"]


def training_summary(run: Path, monitor: str) -> str:
    """The summary of a finished run.

    Args:
        run: Folder of the run.
        monitor: Name of the value by which the best weights were chosen.
    """
    values = {}
    for path in sorted(run.glob("log/version_*/metrics.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row.get(monitor):
                    values[int(row["epoch"]) + 1] = float(row[monitor])
    if values:
        best = (min if monitor.endswith("loss") else max)(values, key=lambda epoch: values[epoch])
        score = f"{monitor} {values[best]:.4g} after epoch {best} of {max(values)}"
    else:
        score = "no validation took place"
    return f"Trained {run} ({score}).\nNext: stgraph evaluate {run}"
