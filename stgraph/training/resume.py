"""Checkpoints for exact resume of a killed run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from stgraph.errors import OptionError
from stgraph.files import atomic_write, remove_leftovers

__all__ = ["ResumePoint"]


class ResumePoint(Callback):
    """Writes ``last.ckpt`` every ``every_n_steps`` batches and at the end of each epoch.

    Accumulated gradients are not part of a checkpoint, so it is only written between two optimizer steps. Files are
    written atomically, so ``last.ckpt`` is always complete. At the end of an epoch the file is written after validation,
    because Lightning would otherwise skip that validation on resume.

    Args:
        folder: Folder of the checkpoint.
        every_n_steps: Number of batches between two checkpoints.

    Raises:
        OptionError: If ``every_n_steps`` is below 1.
    """

    def __init__(self, folder: Path, every_n_steps: int = 100) -> None:
        if every_n_steps < 1:
            raise OptionError(f"'every_n_steps' must be at least 1, got {every_n_steps}.")
        self.path, self.every_n_steps = Path(folder) / "last.ckpt", every_n_steps

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Saves a checkpoint within an epoch."""
        last = trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
        a_step = trainer.accumulate_grad_batches
        if (batch_idx + 1) % (math.ceil(self.every_n_steps / a_step) * a_step) == 0 and not last:
            self._save(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Saves a checkpoint after the validation of an epoch."""
        self._save(trainer)

    def _save(self, trainer: Trainer) -> None:
        # save_checkpoint is collective: every rank calls it, and rank 0 writes the file.
        if trainer.is_global_zero:
            remove_leftovers(self.path)  # temporary files of a killed run
            with atomic_write(self.path) as part:
                trainer.save_checkpoint(part)
        else:
            trainer.save_checkpoint(self.path)
        trainer.strategy.barrier("resume point")
