"""Fits a module in a run folder: exact resume, best weights, and errors that say what to do."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import Timer
from lightning.pytorch.loggers import CSVLogger, Logger
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import OutOfMemoryError, nn

from stgraph.errors import DataError, OptionError, StgraphError, WorkerError, WriteError, shown
from stgraph.files import write_failure
from stgraph.training.checkpoints import (
    BestWeights,
    PatientStopping,
    check_end,
    check_fits,
    check_weights,
    read_checkpoint,
)
from stgraph.training.resume import ResumePoint
from stgraph.training.run_folder import check_run_folder, lock_run
from stgraph.training.step_module import StepModule
from stgraph.training.summary import TrainingSummary
from stgraph.training.trainer_arguments import make_trainer

__all__ = ["check_patience", "fit_run"]

log = logging.getLogger(__name__)


def check_patience(patience: int | None) -> None:
    """Checks a number of validations.

    Raises:
        OptionError: If it is below 1.
    """
    if patience is not None and patience < 1:
        raise OptionError(f"'patience' must be at least 1, or None to never stop early, got {patience}.")


def fit_run(
    module: StepModule,
    data: LightningDataModule,
    folder: str | Path,
    *,
    monitor: tuple[str, str],
    validates: bool,
    save: Callable[[], None],
    patience: int | None,
    resume: bool,
    resume_every: int,
    callbacks: Callback | Iterable[Callback],
    logger: Logger | Iterable[Logger] | bool | None,
    trainer: Mapping[str, Any],
) -> None:
    """Trains in a folder; the module ends with the weights of the best validation.

    Args:
        module: What is trained.
        data: Its data.
        folder: Folder of the run.
        monitor: Name of the value by which the best weights are chosen, and "max" or "min".
        validates: Whether there is a validation; without one the last weights are kept.
        save: Writes the model into the folder; called once, by the first rank.
        patience: As in :func:`train_captioner`, like the arguments below.
        resume: As above.
        resume_every: As above.
        callbacks: As above.
        logger: As above.
        trainer: Arguments of ``lightning.Trainer``.

    Raises:
        OptionError: As in :func:`train_captioner`.
        DataError: As above.
        WorkerError: As above.
        WriteError: As above.
    """
    folder = Path(folder)
    checkpoints = folder / "checkpoints"
    best = stopping = None
    if validates:
        best = BestWeights(checkpoints, *monitor)
        stopping = None if patience is None else PatientStopping(*monitor, patience)
    point = ResumePoint(checkpoints, resume_every)
    engine = make_trainer(
        callbacks=[*filter(None, (best, stopping)), *_listed(callbacks), point],
        logger=[CSVLogger(folder, name="log"), *_listed([] if isinstance(logger, bool) else logger or [])],
        default_root_dir=folder,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        limit_val_batches=None if validates else 0,
        **trainer,
    )
    with lock_run(folder, writes=engine.is_global_zero), _write_errors(folder):
        check_run_folder(folder, resume)
        resumed_at = None
        if resume:
            checkpoint = read_checkpoint(point.path)
            check_fits(point.path, checkpoint, module)
            resumed_at = checkpoint["global_step"]
            check_end(checkpoint, engine.max_epochs, engine.max_steps)
        checkpoints.mkdir(parents=True, exist_ok=True)
        _fit(engine, module, data, point.path if resume else None)
        score = None
        if best is not None and best.best_model_path:
            chosen = read_checkpoint(Path(best.best_model_path))
            check_weights(Path(best.best_model_path), chosen["state_dict"], module)
            module.load_state_dict(chosen["state_dict"])
            score = None if best.best_model_score is None else float(best.best_model_score)
        _check_finite(module.model)
        summary = TrainingSummary(
            monitor[0], score, _epochs(engine), engine.global_step, _ended(engine, stopping), resumed_at
        )
        if engine.is_global_zero:
            summary.save(folder)
            save()
            for sentence in summary.warnings():
                log.warning("%s: %s", shown(folder), sentence)
        engine.strategy.barrier("model folder")


def _epochs(engine: Trainer) -> int:
    """Number of epochs that were trained to their end."""
    loop = engine.fit_loop
    return max(0, loop.epoch_progress.current.ready - (not loop.epoch_loop.batch_progress.is_last_batch))


def _ended(engine: Trainer, stopping: PatientStopping | None) -> str:
    """What ended the training, see :class:`TrainingSummary`."""
    if engine.fast_dev_run:  # type: ignore[attr-defined]
        return "fast_dev_run"
    if engine.fit_loop.max_batches == 0 or engine.limit_train_batches == 0:
        return "no batches"
    if 0 <= engine.max_steps <= engine.global_step:
        return "max_steps"
    if engine.max_epochs is not None and 0 <= engine.max_epochs <= _epochs(engine):
        return "max_epochs"
    if stopping is not None and stopping.stopped:
        return "patience"
    callbacks: list[Callback] = engine.callbacks  # type: ignore[attr-defined]
    left = [each.time_remaining() for each in callbacks if isinstance(each, Timer)]
    if any(seconds is not None and seconds <= 0 for seconds in left):
        return "max_time"
    return "a callback"


def _check_finite(model: nn.Module) -> None:
    for name, value in model.state_dict().items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise DataError(
                f"Training diverged: the weights '{name}' became NaN or infinite, and no model was written; train again "
                "with a lower learning rate, or with trainer.gradient_clip_val."
            )


@contextmanager
def _write_errors(folder: Path) -> Iterator[None]:
    """Turns errors of the disk into a :class:`WriteError`."""
    try:
        yield
    except StgraphError:
        raise
    except OSError as error:
        raise WriteError(write_failure(error, Path(error.filename or folder))) from error


def _fit(
    engine: Trainer, module: LightningModule, data: LightningDataModule, checkpoint: Path | None
) -> None:
    main = threading.current_thread() is threading.main_thread()
    on_ctrl_c = signal.getsignal(signal.SIGINT) if main else None
    begun = _Begun()
    engine.callbacks.insert(0, begun)  # type: ignore[attr-defined]
    try:
        engine.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except SIGTERMException:
        raise SystemExit(128 + signal.SIGTERM) from None
    except SystemExit:
        if not engine.interrupted:
            raise
        raise KeyboardInterrupt from None  # Lightning turns Ctrl-C into SystemExit; let the caller handle it
    except (StgraphError, OSError, OutOfMemoryError):
        raise
    except Exception as error:
        if engine.world_size > 1 and "Connection closed by peer" in str(error):
            raise WorkerError(
                f"Rank {engine.global_rank + 1} of {engine.world_size} stopped because another rank failed; see the error "
                "message of that rank."
            ) from error
        if checkpoint is not None and not begun.begun:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            raise DataError(
                f"The run cannot be resumed from {checkpoint} ({reason}); "
                "resume it with the settings and the version that it began with, or train again in another folder."
            ) from error
        if isinstance(error, MisconfigurationException):
            raise OptionError(f"Lightning refuses to train: {' '.join(str(error).split())[:400]}") from error
        raise
    finally:
        if main and on_ctrl_c is not None:
            signal.signal(signal.SIGINT, on_ctrl_c)  # Lightning ignores Ctrl-C from the first one on


class _Begun(Callback):
    """Notes that a checkpoint was restored and that a step was taken with it: its optimizer's state is used there first."""

    begun = False

    def on_train_batch_end(self, *_: Any) -> None:
        """Called after a batch."""
        self.begun = True


def _listed(values: Any) -> Sequence[Any]:
    return list(values) if isinstance(values, Iterable) else [values]
