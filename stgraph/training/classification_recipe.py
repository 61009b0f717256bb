"""A whole training run of a classifier: exact resume, best weights, a model folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback
from lightning.pytorch.loggers import Logger

from stgraph.checking import checked
from stgraph.classification_pipeline import ClassificationPipeline
from stgraph.datasets.loading.classification_data import ClassificationDataModule
from stgraph.errors import OptionError
from stgraph.metrics import CLASSIFICATION_METRICS
from stgraph.models import Classifier, save_model
from stgraph.training.classification_module import ClassificationModule, TargetLoss
from stgraph.training.fitting import check_patience, fit_run
from stgraph.training.step_module import OptimizerFactory, ScheduleFactory
from stgraph.training.trainer_arguments import check_trainer_arguments, check_validation_interval

__all__ = ["train_classifier"]

MONITORS = {"val/loss": "min", **{f"val/{name}": "max" for name in CLASSIFICATION_METRICS}}


@checked
def train_classifier(
    model: Classifier,
    data: ClassificationDataModule,
    folder: str | Path,
    *,
    loss: TargetLoss | None = None,
    optimizer: OptimizerFactory | None = None,
    schedule: ScheduleFactory | None = None,
    seed: int = 0,
    monitor: str = "val/loss",
    patience: int | None = None,
    resume: bool = False,
    resume_every: int = 100,
    callbacks: Callback | Iterable[Callback] = (),
    logger: Logger | Iterable[Logger] | bool | None = None,
    **trainer: Any,
) -> ClassificationPipeline:
    """Trains a classifier, keeps the weights of the best validation, and writes a model folder.

    It resumes and ends as :func:`train_captioner` does. Without validation graphs the last weights are kept.

    Args:
        model: Built by ``for_data(data)``; call ``lightning.seed_everything`` before for the same initial weights.
        data: Training and validation data.
        folder: Folder of the run.
        loss: As in :class:`ClassificationModule`.
        optimizer: As in :class:`ClassificationModule`.
        schedule: As in :class:`ClassificationModule`.
        seed: Seed of dropout and of everything else that is drawn in a step.
        monitor: "val/loss", or a score: "val/accuracy", "val/macro_f1", "val/average_precision" or "val/auc".
        patience: Validations without a better one after which training stops; None never stops early.
        resume: Whether to continue from the folder's checkpoint; without it, a folder that holds a run is refused.
        resume_every: Batches between two checkpoints, the most that a kill costs.
        callbacks: Further Lightning callbacks; their state is part of the checkpoints.
        logger: Further Lightning loggers; the folder's CSV log is always written.
        trainer: Further arguments of ``lightning.Trainer``, such as ``max_epochs=20``.

    Returns:
        The trained classifier, on the CPU.

    Raises:
        OptionError: If there is nothing to resume, something would be overwritten, or an argument is not allowed.
        DataError: If the checkpoint of a resumed run is damaged or of another model, or weights became NaN or infinite.
        WorkerError: If another process trains in this folder, or one of a distributed run has stopped.
        WriteError: If the folder cannot be written, or the disk is full; the run can be resumed.
    """
    check_trainer_arguments(trainer)
    check_validation_interval(trainer, data.num_batches(0))
    if monitor not in MONITORS:
        raise OptionError(f"'monitor' must be one of {tuple(MONITORS)}, got {monitor!r}.")
    check_patience(patience)
    if model.level != data.level or model.multi_label != data.multi_label:
        raise OptionError(
            f"'model' must classify the level '{data.level}' with {'several classes' if data.multi_label else 'one class'} "
            "each, as the data have it; build it by for_data(data)."
        )
    config = data.model_config(model)  # refuses what cannot be saved before hours of training
    module = ClassificationModule(
        model, data.classes, loss, optimizer=optimizer, schedule=schedule, seed=seed
    )
    fit_run(
        module,
        data,
        folder,
        monitor=(monitor, MONITORS[monitor]),
        validates=bool(data.ids["val"]),
        save=lambda: save_model(folder, model, config),
        patience=patience,
        resume=resume,
        resume_every=resume_every,
        callbacks=callbacks,
        logger=logger,
        trainer=trainer,
    )
    return ClassificationPipeline(model.cpu().eval(), config)
