"""One training run: Lightning's trainer with a resume point, the best weights kept, a model folder at the end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger

from stgraph.datasets.loading.data_module import CaptionDataModule
from stgraph.errors import OptionError, WorkerError
from stgraph.models.model_folder import ModelConfig, save_model
from stgraph.training.captioning_module import CaptioningModule
from stgraph.training.resume import ResumePoint

__all__ = ["check_run_folder", "fit"]

MONITORS = {"val/CIDEr": "max", "val/loss": "min"}
OURS = (
    "callbacks",
    "logger",
    "default_root_dir",
    "reload_dataloaders_every_n_epochs",
    "limit_val_batches",
    "use_distributed_sampler",
    "overfit_batches",
)
PRECISIONS = ("32", "32-true", "16-mixed", "bf16-mixed")  # graphs stay float32


def check_run_folder(run: Path, resume: bool) -> None:
    """Demands a resume point where there is something to resume, and none where a run begins.

    Raises: OptionError: There is nothing to resume, or something that would be overwritten.
    """
    last = run / "checkpoints" / "last.ckpt"
    if resume and not last.is_file():
        raise OptionError(f"Nothing to resume at {last}; start without resume=true.")
    if not resume and last.is_file():
        raise OptionError(
            f"{run} holds a run already; go on with resume=true, or choose another folder by run=..."
        )


def fit(
    module: CaptioningModule,
    data: CaptionDataModule,
    run: Path,
    description: ModelConfig,
    *,
    trainer: Mapping[str, Any],
    monitor: str = "val/CIDEr",
    patience: int | None = None,
    every_n_steps: int = 100,
    resume: bool = False,
) -> None:
    """Trains, then writes the weights of the best validation (the last ones without validation) into ``run``.

    Args:
        module, data: What is trained on what.
        run: Folder of the run; ``checkpoints/`` in it is for resuming only.
        description: What ``config.json`` of the model folder will say.
        trainer: Further arguments of Lightning's ``Trainer``.
        monitor: What says which validation is the best: "val/CIDEr", or "val/loss" of the given captions, which ``data``
            must then hold.
        patience: Validations without a better one before training stops; None never stops early.
        every_n_steps: Batches between two resume points.
        resume: Go on from the resume point; without it an old one is an error, so that no run is lost by mistake.

    Raises: OptionError: There is nothing to resume, or something that would be overwritten; or another ``monitor``.
        WorkerError: Another of the processes that train together has stopped.
    """
    checkpoints = run / "checkpoints"
    last = checkpoints / "last.ckpt"
    check_run_folder(run, resume)
    taken = [name for name in OURS if name in trainer]
    if taken:
        raise OptionError(f"'trainer.{taken[0]}' is set by stgraph; leave it out.")
    if str(trainer.get("precision") or 32) not in PRECISIONS:
        raise OptionError(f"'trainer.precision' must be one of {PRECISIONS}, got {trainer['precision']!r}.")
    if monitor not in MONITORS or (monitor == "val/loss" and not data.validation_captions):
        raise OptionError(
            f"'monitor' must be one of {tuple(MONITORS)}, the loss only with validation_captions, got {monitor!r}."
        )
    mode = MONITORS[monitor]
    checkpoints.mkdir(parents=True, exist_ok=True)
    best = None
    callbacks: list[Callback] = [ResumePoint(checkpoints, every_n_steps)]
    if module.evaluator is not None:
        best = ModelCheckpoint(
            checkpoints,
            "best",
            monitor=monitor,
            mode=mode,
            save_weights_only=True,
            enable_version_counter=False,
        )
        callbacks.append(best)
        if patience is not None:
            callbacks.append(EarlyStopping(monitor, mode=mode, patience=patience))
    engine = Trainer(
        callbacks=callbacks,
        logger=CSVLogger(run, name="log"),
        default_root_dir=run,
        reload_dataloaders_every_n_epochs=1,  # the order of batches is a function of the epoch
        use_distributed_sampler=False,  # the data module deals out: Lightning would split a batch's order, and pad
        num_sanity_val_steps=0,
        limit_val_batches=None if module.evaluator is not None else 0,
        **trainer,
    )
    try:
        engine.fit(module, datamodule=data, ckpt_path=last if resume else None, weights_only=True)
    except SystemExit:
        if not engine.interrupted:
            raise
        # Lightning swallows Ctrl-C and leaves the process; the command line has more to say to the user.
        raise KeyboardInterrupt from None
    except RuntimeError as error:
        if engine.world_size == 1 or "Connection closed by peer" not in str(error):
            raise
        raise WorkerError(
            f"Process {engine.global_rank + 1} of {engine.world_size} stopped, as another one did; that one's own "
            "message says why."
        ) from error
    if best is not None and Path(best.best_model_path).is_file():
        state = torch.load(best.best_model_path, map_location="cpu", weights_only=True)
        module.load_state_dict(state["state_dict"])
    if engine.is_global_zero:
        save_model(run, module.model, description)
        module.tokenizer.save(run / "tokenizer.json")
