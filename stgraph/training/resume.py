"""Checkpoints for exact resume of a killed run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.trainer.states import TrainerFn

from stgraph.checking import checked
from stgraph.errors import OptionError

__all__ = ["ResumePoint"]


@checked
class ResumePoint(Checkpoint):
    """Writes ``last.ckpt`` every ``every_n_steps`` batches, at the end of each epoch, and where training stops.

    Accumulated gradients are not part of a checkpoint, so it is written between two optimizer steps. Files are written
    atomically, so ``last.ckpt`` is always complete. Where a validation follows, the file is written after it, because
    Lightning skips that validation on resume. A run that stops within an epoch (``max_steps``, ``max_time``) is resumed
    within it; one that stops by ``max_time`` may lose the gradients of an unfinished step.

    It is one of Lightning's checkpoint callbacks, which are called last, so that the state of all others is up to date;
    pass it after other checkpoint callbacks.

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
        self._after_validation = False

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Saves a checkpoint within an epoch, unless a validation follows."""
        loop = trainer.fit_loop.epoch_loop
        if loop.batch_progress.is_last_batch:
            return
        steps = math.ceil(self.every_n_steps / trainer.accumulate_grad_batches)
        wanted = (batch_idx + 1) % (steps * trainer.accumulate_grad_batches) == 0 or _stops(trainer)
        fetcher = trainer.fit_loop._data_fetcher
        assert fetcher is not None
        validates = loop._should_check_val_fx(fetcher)
        self._after_validation = wanted and validates
        if wanted and not validates:
            self._save(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Saves the checkpoint that was due at the batch before this validation."""
        within = not trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
        early = trainer.should_stop and within and trainer.state.fn == TrainerFn.FITTING
        if self._after_validation or early:  # early stopping decides by the validation
            self._save(trainer)
        self._after_validation = False

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Saves a checkpoint after the validation of an epoch that was trained to its end."""
        if trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            self._save(trainer)

    def _save(self, trainer: Trainer) -> None:
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        # Collective: every rank calls it, and rank 0 writes the file.
        trainer.save_checkpoint(self.path, weights_only=False)
        trainer.strategy.barrier("resume point")


def _stops(trainer: Trainer) -> bool:
    """Whether training stops after this batch."""
    return trainer.should_stop or 0 <= trainer.max_steps <= trainer.global_step
