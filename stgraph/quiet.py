"""Silences warnings that libraries address to their own developers."""

from __future__ import annotations

import logging
import warnings

__all__ = ["quieten", "quieten_lightning"]

NOTES = (
    "`torch.jit.*` is deprecated",
    "Sparse CSR tensor support is in beta",
    ".*does not have many workers",
    "Checkpoint directory .* exists and is not empty",
    "You're resuming from a checkpoint that ended before the epoch ended",  # ours continues within the epoch
    "The number of training batches .* is smaller than the logging interval",
    ".*`training_step`.*batch size",
    r"Found \d+ module\(s\) in eval mode at the start of training",  # a frozen teacher is meant to be
    ".*isinstance.treespec, LeafSpec.. is deprecated.*",
    "You have overridden `on_before_batch_transfer` in `LightningModule`",  # it is for loaders without a data module
)


def quieten() -> None:
    """Ignores these warnings in this process."""
    for note in NOTES:
        warnings.filterwarnings("ignore", message=note)


def quieten_lightning() -> None:
    """Raises the level of Lightning's logger; call it after importing Lightning, which sets the level."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
