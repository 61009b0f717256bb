"""What a command keeps to itself: warnings that libraries address to their own developers, and progress with ``-q``."""

from __future__ import annotations

import logging
import warnings

__all__ = ["is_quiet", "quieten", "quieten_lightning", "set_quiet"]

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


_quiet = False


def set_quiet(quiet: bool) -> None:
    """Turns progress off or on in this process."""
    global _quiet
    _quiet = quiet


def is_quiet() -> bool:
    """Whether progress is turned off."""
    return _quiet
