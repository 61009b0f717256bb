"""Closing lines of a training: best validation score, run folder and next command."""

from __future__ import annotations

from pathlib import Path

from stgraph.training import TrainingSummary

__all__ = ["training_summary"]


def training_summary(run: Path) -> str:
    """Formats the summary of a finished run.

    Args:
        run: Folder of the run.
    """
    summary = TrainingSummary.load(run)
    score = "no validation took place, so the last weights are kept"
    if summary.best is not None:
        score = f"best {summary.monitor} {summary.best:.4g}, {summary.epochs} epochs"
    return f"Trained {run} ({score}).\nNext: stgraph evaluate {run}"
