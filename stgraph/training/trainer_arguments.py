"""Arguments of Lightning's ``Trainer``: checked before anything starts."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import Any

import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer
from lightning.pytorch.plugins.io import CheckpointIO

from stgraph.checking import warn_caller
from stgraph.errors import OptionError
from stgraph.training.checkpoints import AtomicCheckpointIO

__all__ = ["check_trainer_arguments", "check_validation_interval", "make_trainer", "multiplies_bfloat16"]

RESERVED = {
    "default_root_dir": "the run's folder is given by 'folder'",
    "reload_dataloaders_every_n_epochs": "the batch order depends on the epoch",
    "limit_val_batches": "the best weights are chosen by the whole validation split",
    "use_distributed_sampler": "the data module deals batches out to the ranks",
    "overfit_batches": "Lightning would change the batch order; train on a small split instead",
    "enable_checkpointing": "a run is resumed from its checkpoints",
    "num_sanity_val_steps": "a resumed run would validate more often than one left alone",
    "barebones": "a run has a log and checkpoints",
}
"""Arguments of Lightning's ``Trainer`` that would break exact resume or the choice of weights, and why."""
PRECISIONS = ("32", "32-true", "16-mixed", "bf16-mixed")  # graphs stay float32


def check_trainer_arguments(trainer: Mapping[str, Any]) -> None:
    """Checks arguments of ``lightning.Trainer`` by their names and values, devices of this machine included.

    Raises:
        OptionError: If there is no such argument, a value is not allowed, or stgraph sets it.
    """
    known = [name for name in inspect.signature(Trainer).parameters if name not in RESERVED]
    for name, value in trainer.items():
        if name in RESERVED:
            raise OptionError(f"'trainer.{name}' is set by stgraph, as {RESERVED[name]}; leave it out.")
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}."
            raise OptionError(f"Lightning's Trainer has no argument '{name}'; {hint}")
        if name == "precision" and str(value or 32) not in PRECISIONS:
            raise OptionError(f"'trainer.precision' must be one of {PRECISIONS}, got {value!r}.")
        if name == "accumulate_grad_batches" and not (isinstance(value, int) and value >= 1):
            raise OptionError(f"'trainer.{name}' must be an integer of at least 1, got {value!r}.")
        if name == "val_check_interval" and not isinstance(value, int | float | None):
            raise OptionError(
                f"'trainer.{name}' must be a number of batches or a share of an epoch, got {value!r}; validations by the "
                "clock would differ in a resumed run."
            )
    others = {name: value for name, value in trainer.items() if name not in ("callbacks", "logger")}
    engine = make_trainer(**others, logger=False, enable_checkpointing=False)
    if (
        engine.precision == "bf16-mixed"
        and engine.strategy.root_device.type == "cpu"
        and not multiplies_bfloat16()
    ):
        warn_caller(
            "This processor has no products of bfloat16, so training in it ('trainer.precision') takes several times as "
            "long as in float32; leave 'trainer.precision' out, or train on a GPU."
        )


def multiplies_bfloat16() -> bool:
    """Whether the processor has instructions for products of bfloat16, as far as torch tells."""
    found = torch.cpu.get_capabilities()
    return found.get("architecture") != "x86_64" or any(map(found.get, ("avx512_bf16", "amx_bf16")))


def make_trainer(**arguments: Any) -> Trainer:
    """Makes Lightning's ``Trainer``, which writes checkpoints whole unless a plugin of the user's writes them.

    Raises:
        OptionError: If it refuses an argument.
    """
    plugins = arguments.pop("plugins", None)
    plugins = list(plugins) if isinstance(plugins, list | tuple) else [plugins] * (plugins is not None)
    if not any(isinstance(plugin, CheckpointIO) for plugin in plugins):
        plugins.append(AtomicCheckpointIO())
    try:
        return Trainer(**arguments, plugins=plugins)
    except (MisconfigurationException, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:400].rstrip(".")
        raise OptionError(f"Lightning's Trainer refuses its arguments: {reason}.") from error


def check_validation_interval(trainer: Mapping[str, Any], batches: int) -> None:
    """Checks that a validation between batches can take place.

    Args:
        trainer: Arguments of ``lightning.Trainer``.
        batches: Batches of an epoch.

    Raises:
        OptionError: If the epoch is too short for ``val_check_interval``.
    """
    interval, limit = trainer.get("val_check_interval"), trainer.get("limit_train_batches", 1.0)
    batches = (
        min(batches, limit) if isinstance(limit, int) else int(batches * (1.0 if limit is None else limit))
    )
    if isinstance(interval, int) and trainer.get("check_val_every_n_epoch", 1) and interval > batches > 0:
        raise OptionError(
            f"'trainer.val_check_interval' must be at most {batches}, the batches of an epoch, got {interval}; to count "
            "batches over epochs also set trainer.check_val_every_n_epoch=null."
        )
