"""A whole training run: exact resume, best weights, a model folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback
from lightning.pytorch.loggers import Logger

from stgraph.checking import checked
from stgraph.datasets.loading.data_module import CaptionDataModule
from stgraph.errors import OptionError
from stgraph.metrics import CaptionEvaluator
from stgraph.models import CaptioningModel, save_model
from stgraph.pipeline import CaptionPipeline
from stgraph.training.fitting import check_patience, fit_run
from stgraph.training.losses import CaptionLoss
from stgraph.training.module import VALIDATION_METRICS, CaptioningModule, OptimizerFactory, ScheduleFactory
from stgraph.training.trainer_arguments import check_trainer_arguments, check_validation_interval

__all__ = ["train_captioner"]

MONITORS = {"val/CIDEr": "max", "val/loss": "min"}


@checked
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

    A run that is killed at any moment and resumed ends with the weights that it would have had, and so does one that ended
    by ``max_steps`` or ``max_epochs`` and is resumed with a larger one. If no validation takes place, the last weights are
    kept, and a warning is logged. The folder then holds the model (``model.safetensors``, ``config.json``,
    ``tokenizer.json``), ``training.json``, the log (``log/``), and the checkpoints, which are for resuming only.

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
        OptionError: If there is nothing to resume, something would be overwritten, or an argument is not allowed or would
            break exact resume.
        DataError: If the checkpoint of a resumed run is damaged or of another model, or weights became NaN or infinite.
        WorkerError: If another process trains in this folder, or one of a distributed run has stopped.
        WriteError: If the folder cannot be written, or the disk is full; the run can be resumed.
    """
    check_trainer_arguments(trainer)
    check_validation_interval(trainer, data.num_batches(0))
    if monitor not in MONITORS or (monitor == "val/loss" and not data.validation_captions):
        raise OptionError(
            f"'monitor' must be one of {tuple(MONITORS)}, the loss only with validation_captions=True, got {monitor!r}."
        )
    check_patience(patience)
    config = data.model_config(model)  # refuses what cannot be saved before hours of training
    references = data.references("val")
    evaluator = CaptionEvaluator(references, metrics=VALIDATION_METRICS) if references else None
    data.read_only(model.input_streams)
    module = CaptioningModule(
        model, data.tokenizer, loss, optimizer=optimizer, schedule=schedule, evaluator=evaluator, seed=seed
    )
    fit_run(
        module,
        data,
        folder,
        monitor=(monitor, MONITORS[monitor]),
        validates=evaluator is not None,
        save=lambda: save_model(folder, model, config, data.tokenizer),
        patience=patience,
        resume=resume,
        resume_every=resume_every,
        callbacks=callbacks,
        logger=logger,
        trainer=trainer,
    )
    return CaptionPipeline(model.cpu().eval(), data.tokenizer, config)
