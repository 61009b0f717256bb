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
    return f"Trained {run} ({TrainingSummary.load(run)}).\nNext: stgraph evaluate {run}"
