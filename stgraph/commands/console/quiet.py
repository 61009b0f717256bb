"""Keeps notes of libraries to their own developers away from the user; none is about the user's data or settings."""

from __future__ import annotations

import logging
import warnings

__all__ = ["quieten", "quieten_lightning"]

NOTES = (
    "`torch.jit.*` is deprecated",
    "Sparse CSR tensor support is in beta",
    ".*does not have many workers",
    "Checkpoint directory .* exists and is not empty",
    "You're resuming from a checkpoint that ended before the epoch ended",  # ours goes on where it stood
    "The number of training batches .* is smaller than the logging interval",
    ".*`training_step`.*batch size",
    r"Found \d+ module\(s\) in eval mode at the start of training",  # a frozen teacher is meant to be
    ".*isinstance.treespec, LeafSpec.. is deprecated.*",
)


def quieten() -> None:
    """Silences them in this process."""
    for note in NOTES:
        warnings.filterwarnings("ignore", message=note)


def quieten_lightning() -> None:
    """To be called behind Lightning's import, which sets the level of its logger."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
