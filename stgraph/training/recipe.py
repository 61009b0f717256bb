"""A whole training run: exact resume, best weights, a model folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, Logger

from stgraph.datasets.loading.data_module import CaptionDataModule
from stgraph.errors import DataError, OptionError, WorkerError
from stgraph.files import write_text
from stgraph.metrics import CaptionEvaluator
from stgraph.models import CaptioningModel, save_model
from stgraph.pipeline import CaptionPipeline
from stgraph.training.losses import CaptionLoss
from stgraph.training.module import VALIDATION_METRICS, CaptioningModule, OptimizerFactory, ScheduleFactory
from stgraph.training.resume import ResumePoint

__all__ = ["TrainingSummary", "check_run_folder", "train_captioner"]

MONITORS = {"val/CIDEr": "max", "val/loss": "min"}
RESERVED = {
    "default_root_dir": "the run's folder is given by 'folder'",
    "reload_dataloaders_every_n_epochs": "the batch order depends on the epoch",
    "limit_val_batches": "the best weights are chosen by the whole validation split",
    "use_distributed_sampler": "the data module deals batches out to the ranks",
    "overfit_batches": "Lightning would change the batch order; train on a small split instead",
    "enable_checkpointing": "a run is resumed from its checkpoints",
    "num_sanity_val_steps": "a resumed run would validate more often than one left alone",
}
"""Arguments of Lightning's ``Trainer`` that would break exact resume or the choice of weights, and why."""
PRECISIONS = ("32", "32-true", "16-mixed", "bf16-mixed")  # graphs stay float32


@dataclass(frozen=True)
class TrainingSummary:
    """Outcome of a run, stored as ``training.json`` in its folder.

    Args:
        monitor: The value by which the best weights were chosen.
        best: Its best value; None if no validation took place, and the last weights were kept.
        epochs: Epochs that were finished.
        steps: Optimiser steps.
    """

    monitor: str
    best: float | None
    epochs: int
    steps: int

    FILE = "training.json"

    @classmethod
    def load(cls, folder: str | Path) -> TrainingSummary:
        """Reads the summary of a run.

        Raises:
            DataError: If the file is damaged or not there.
        """
        path = Path(folder) / cls.FILE
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{path} is not the summary of a training run ({error}).") from error


def train_captioner(
    model: CaptioningModel,
    data: CaptionDataModule,
    folder: str | Path,
    *,
    loss: CaptionLoss | None = None,
    optimizer: OptimizerFactory | None = None,
    schedule: ScheduleFactory | None = None,
    seed: int = 0,
    monitor: str = "val/CIDEr",
    patience: int | None = None,
    resume: bool = False,
    resume_every: int = 100,
    callbacks: Callback | Iterable[Callback] = (),
    logger: Logger | Iterable[Logger] | bool | None = None,
    **trainer: Any,
) -> CaptionPipeline:
    """Trains a model, keeps the weights of the best validation, and writes a model folder.

    A run that is killed at any moment and resumed ends with the weights that it would have had. The folder then holds the
    model (``model.safetensors``, ``config.json``, ``tokenizer.json``), ``training.json``, the log (``log/``), and the
    checkpoints, which are for resuming only.

    Args:
        model: Built by ``for_data(data)``; call ``lightning.seed_everything`` before for the same initial weights.
        data: Training and validation data.
        folder: Folder of the run.
        loss: As in :class:`CaptioningModule`.
        optimizer: As in :class:`CaptioningModule`.
        schedule: As in :class:`CaptioningModule`.
        seed: Seed of dropout and of everything else that is drawn in a step.
        monitor: "val/CIDEr", or "val/loss", for which ``data`` needs ``validation_captions=True``.
        patience: Validations without a better one after which training stops; None never stops early.
        resume: Whether to continue from the folder's checkpoint; without it, a folder that holds a run is refused.
        resume_every: Batches between two checkpoints, the most that a kill costs.
        callbacks: Further Lightning callbacks; their state is part of the checkpoints.
        logger: Further Lightning loggers; the folder's CSV log is always written.
        trainer: Further arguments of ``lightning.Trainer``, such as ``max_epochs=20`` or ``precision="bf16-mixed"``.

    Returns:
        The trained captioner, on the CPU.

    Raises:
        OptionError: If there is nothing to resume, something would be overwritten, or an argument would break exact
            resume.
        WorkerError: If another process of a distributed run has stopped.
    """
    folder = Path(folder)
    check_run_folder(folder, resume)
    _check_trainer_arguments(trainer)
    if monitor not in MONITORS or (monitor == "val/loss" and not data.validation_captions):
        raise OptionError(
            f"'monitor' must be one of {tuple(MONITORS)}, the loss only with validation_captions=True, got {monitor!r}."
        )
    config = data.model_config(model)  # refuses what cannot be saved before hours of training
    references = data.references("val")
    evaluator = CaptionEvaluator(references, metrics=VALIDATION_METRICS) if references else None
    data.read_only(model.input_streams)
    module = CaptioningModule(
        model, data.tokenizer, loss, optimizer=optimizer, schedule=schedule, evaluator=evaluator, seed=seed
    )
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    own, best = _callbacks(checkpoints, monitor, patience, resume_every, validate=evaluator is not None)
    engine = Trainer(
        callbacks=[*own, *_listed(callbacks)],
        logger=[CSVLogger(folder, name="log"), *_listed([] if isinstance(logger, bool) else logger or [])],
        default_root_dir=folder,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        limit_val_batches=None if evaluator is not None else 0,
        **trainer,
    )
    _fit(engine, module, data, checkpoints / "last.ckpt" if resume else None)
    score = None
    if best is not None and Path(best.best_model_path).is_file():
        state = torch.load(best.best_model_path, map_location="cpu", weights_only=True)
        module.load_state_dict(state["state_dict"])
        score = None if best.best_model_score is None else float(best.best_model_score)
    if engine.is_global_zero:
        summary = TrainingSummary(monitor, score, engine.current_epoch, engine.global_step)
        write_text(folder / TrainingSummary.FILE, json.dumps(asdict(summary), indent=1) + "\n")
        save_model(folder, model, config, data.tokenizer)
    engine.strategy.barrier("model folder")
    return CaptionPipeline(model.cpu().eval(), data.tokenizer, config)


def check_run_folder(folder: str | Path, resume: bool) -> None:
    """Checks that a resumed run has a checkpoint and that a new run has none.

    Raises:
        OptionError: If there is nothing to resume, or a run would be overwritten.
    """
    last = Path(folder) / "checkpoints" / "last.ckpt"
    if resume and not last.is_file():
        raise OptionError(f"Nothing to resume at {last}; start without resume=true.")
    if not resume and last.is_file():
        raise OptionError(
            f"{folder} holds a run already; continue it with resume=true, or choose another folder by run=..."
        )


def _check_trainer_arguments(trainer: Mapping[str, Any]) -> None:
    for name, reason in RESERVED.items():
        if name in trainer:
            raise OptionError(f"'trainer.{name}' is set by stgraph, as {reason}; leave it out.")
    if str(trainer.get("precision") or 32) not in PRECISIONS:
        raise OptionError(f"'trainer.precision' must be one of {PRECISIONS}, got {trainer['precision']!r}.")


def _callbacks(
    checkpoints: Path, monitor: str, patience: int | None, resume_every: int, *, validate: bool
) -> tuple[list[Callback], ModelCheckpoint | None]:
    callbacks: list[Callback] = [ResumePoint(checkpoints, resume_every)]
    if not validate:
        return callbacks, None
    mode = MONITORS[monitor]
    best = ModelCheckpoint(
        checkpoints, "best", monitor=monitor, mode=mode, save_weights_only=True, enable_version_counter=False
    )
    callbacks.append(best)
    if patience is not None:
        # Checked after validations only: max_steps may end a run before its first validation.
        callbacks.append(
            EarlyStopping(monitor, mode=mode, patience=patience, check_on_train_epoch_end=False, strict=False)
        )
    return callbacks, best


def _fit(engine: Trainer, module: LightningModule, data: CaptionDataModule, checkpoint: Path | None) -> None:
    try:
        engine.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except SystemExit:
        if not engine.interrupted:
            raise
        raise KeyboardInterrupt from None  # Lightning turns Ctrl-C into SystemExit; let the caller handle it
    except RuntimeError as error:
        if engine.world_size == 1 or "Connection closed by peer" not in str(error):
            raise
        raise WorkerError(
            f"Rank {engine.global_rank + 1} of {engine.world_size} stopped because another rank failed; see the error "
            "message of that rank."
        ) from error


def _listed(values: Any) -> Sequence[Any]:
    return list(values) if isinstance(values, Iterable) else [values]
