"""Builds and trains a run from its configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch import seed_everything

from stgraph.checking import checked
from stgraph.datasets import CaptionDataModule
from stgraph.errors import OptionError
from stgraph.features.streams import VECTOR_STREAMS
from stgraph.models import ArgumentError, CaptioningModel, DataSizes, find_model
from stgraph.pipeline import CaptionPipeline
from stgraph.training.config import TrainingConfig
from stgraph.training.losses import CaptionLoss, make_loss
from stgraph.training.recipe import train_captioner
from stgraph.training.reinforce.config import check_rewards, with_rewards
from stgraph.training.run_folder import check_run_folder
from stgraph.training.trainer_arguments import check_trainer_arguments, check_validation_interval
from stgraph.training.warm_start import load_teacher, load_weights

__all__ = ["TrainingRun", "build_run", "check_model", "train"]


@checked
@dataclass(frozen=True)
class TrainingRun:
    """A configuration with its data opened and its model built, ready to be trained."""

    config: TrainingConfig
    model: CaptioningModel
    data: CaptionDataModule
    loss: CaptionLoss

    def train(self) -> CaptionPipeline:
        """Trains, and writes the model folder; see :func:`train_captioner`."""
        config = self.config
        return train_captioner(
            self.model,
            self.data,
            config.run,
            loss=self.loss,
            optimizer=config.optimizer,
            schedule=config.schedule,
            seed=config.seed,
            monitor=config.monitor,
            patience=config.patience,
            resume=config.resume,
            resume_every=config.resume_every,
            logger=config.logger,
            **config.trainer,
        )


@checked
def build_run(config: TrainingConfig, progress: Callable[[int, int], None] | None = None) -> TrainingRun:
    """Checks a configuration, opens its data and builds its model.

    Args:
        config: The run.
        progress: Called with (done, total) while data are generated.

    Raises:
        OptionError: If a setting is wrong; settings that do not need the data are checked before they are opened.
        DataError: If captions and features do not belong together, or come from other extractors than ``start`` or
            ``teacher`` were trained on.
        MissingDataError: If a file does not exist.
    """
    for name in ("callbacks", "logger"):
        if name in config.trainer:
            raise OptionError(
                f"'trainer.{name}' is set by stgraph; for a logger choose logger=..., for callbacks call train_captioner."
            )
    check_trainer_arguments(config.trainer)
    if config.copy_decoder and config.teacher is None:
        raise OptionError("'copy_decoder' needs a teacher to copy from; give teacher=RUN, or leave it out.")
    stand_in = check_model(config.model)
    loss = make_loss(config.loss, stand_in)
    if config.reinforce is not None:
        check_rewards(config.reinforce, loss, stand_in)
    check_run_folder(config.run, config.resume)
    builder = config.graph.build()
    dataset = config.data.open(progress)
    seed_everything(config.seed, verbose=False)
    data = CaptionDataModule.from_dataset(
        dataset,
        builder=builder,
        num_frames=config.data.num_frames,
        sampling=config.data.sampling,
        cache=config.data.cache,
        min_count=config.data.min_count,
        max_length=config.data.max_length,
        long_captions=config.data.long_captions,
        max_vocabulary=config.data.max_vocabulary,
        seed=config.seed,
        validation_captions=config.monitor == "val/loss",
        **config.data.loader.model_dump(),
    )
    check_validation_interval(config.trainer, data.num_batches(0))
    model = _build(config.model, data)
    if config.start is not None:
        load_weights(model, CaptionPipeline.from_pretrained(config.start), data)
    if config.teacher is not None:
        trained = CaptionPipeline.from_pretrained(config.teacher)
        load_teacher(model, trained, data, copy_decoder=config.copy_decoder)
    if config.reinforce is not None:
        loss = with_rewards(config.reinforce, loss, model, data.references("train"), data.tokenizer)
    return TrainingRun(config, model, data, loss)


@checked
def train(config: TrainingConfig) -> CaptionPipeline:
    """Trains the run of a configuration; see :func:`build_run` and :func:`train_captioner`."""
    return build_run(config).train()


def check_model(values: Mapping[str, Any]) -> CaptioningModel:
    """Builds the model of a configuration without memory, for data that have every stream it asks for.

    Args:
        values: ``name`` and the arguments of the model's ``for_data``.

    Raises:
        OptionError: If a setting is wrong; the message names it.
    """
    with torch.device("meta"):
        return _build(values, _StandIn(tuple(values.get("streams") or ())))


def _build(values: Mapping[str, Any], data: DataSizes) -> CaptioningModel:
    arguments = dict(values)
    name = arguments.pop("name", None)
    if name is None:
        raise OptionError("'model.name' must be given, such as 'stgkd'.")
    try:
        return find_model(name).for_data(data, **arguments)
    except ArgumentError as error:
        raise OptionError(f"'model.{error.argument}'{error.problem}") from error


@dataclass(frozen=True)
class _StandIn:
    """Placeholder data sizes of 1 that allow checking a model's settings before the data are opened."""

    streams: tuple[str, ...] = ()
    vocab_size: int = 5
    max_length: int = 1
    categories: tuple[str, ...] = ("any",)

    @property
    def widths(self) -> dict[str, int]:
        return dict.fromkeys((*VECTOR_STREAMS, *self.streams), 1)
