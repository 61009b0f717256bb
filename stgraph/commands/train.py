"""``stgraph train [experiment=... key=value ...]``: trains a captioner and leaves a model folder."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import hydra
import torch
from lightning.pytorch import seed_everything
from omegaconf import DictConfig, OmegaConf
from pydantic import ValidationError

import stgraph
from stgraph.captioner import build_graph_builder
from stgraph.commands.configuration import compose, plain, saved_config
from stgraph.commands.progress import progress_line
from stgraph.datasets import CaptionDataModule, GraphSource, StoredDataset, open_dataset
from stgraph.errors import OptionError
from stgraph.metrics import CaptionEvaluator
from stgraph.models import (
    ExtractorSettings,
    GraphSettings,
    ModelDescription,
    STGraphCaptioner,
    STGraphCaptionerSettings,
)
from stgraph.text import CaptionTokenizer
from stgraph.training import CaptioningModule, DistillationLoss, check_run_folder, fit

__all__ = ["run", "train"]


def run(arguments: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="stgraph train",
        description="Train a captioner. Settings are hydra overrides, such as run=runs/mine seed=1.",
    )
    parser.add_argument("settings", nargs="*", metavar="key=value")
    config = compose("train", parser.parse_args(arguments).settings)
    try:
        train(config)
    except KeyboardInterrupt:
        if (Path(config.run) / "checkpoints" / "last.ckpt").is_file():
            print(f"\nTo go on with {config.run}: the same command with resume=true.", file=sys.stderr)
        raise
    return 0


def train(config: DictConfig) -> Path:
    """Trains as ``config`` says; the folder of the run is returned."""
    graph, loss = graph_settings(plain(config.graph)), call_with(DistillationLoss, config.loss)
    check_model(plain(config.model))
    folder = Path(config.run)
    check_run_folder(folder, config.resume)
    if config.resume:
        check_same_settings(config, saved_config(folder))
    optimizer = hydra.utils.instantiate(config.optimizer)
    schedule = hydra.utils.instantiate(config.schedule) if "schedule" in config else None
    dataset = dataset_of(config.data)
    seed_everything(config.seed, verbose=False)
    corpus, store = dataset.corpus, dataset.store
    tokenizer = CaptionTokenizer.from_captions(
        [caption for video in corpus.ids("train") for caption in corpus.captions(video)],
        min_count=config.data.min_count,
        max_words=config.data.max_words,
    )
    settings = model_settings(plain(config.model), store.widths, tokenizer.num_words, config.data.max_words)
    source = GraphSource(store, build_graph_builder(graph), config.data.num_frames, cache=config.data.cache)
    data = CaptionDataModule(source, corpus, tokenizer, seed=config.seed, **plain(config.data.loader))
    # METEOR, whose Java program takes longer than a small epoch, is left to the evaluation.
    val = corpus.references("val")
    evaluator = CaptionEvaluator(val, metrics=("BLEU-4", "CIDEr")) if val else None
    module = CaptioningModule(
        STGraphCaptioner(settings),
        tokenizer,
        loss,
        optimizer,
        schedule,
        evaluator,
        config.seed,
    )
    description = ModelDescription(
        stgraph=stgraph.__version__,
        model=STGraphCaptioner.name,
        settings=settings.model_dump(mode="json"),
        graph=graph,
        num_frames=config.data.num_frames,
        extractors={
            stream: ExtractorSettings(**asdict(record)) for stream, record in store.extractors.items()
        },
    )
    folder.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(config, folder / "config.yaml")
    fit(
        module,
        data,
        folder,
        description,
        trainer=plain(config.trainer),
        patience=config.patience,
        every_n_steps=config.resume_every,
        resume=config.resume,
    )
    return folder


def dataset_of(config: DictConfig) -> StoredDataset:
    """Opens the data set of a configuration, with a progress line while it is made."""
    arguments = plain(config.dataset)
    if arguments.get("name") == "interactions":
        arguments["progress"] = progress_line("videos")
    dataset = open_dataset(**arguments)
    if dataset.uncaptioned:
        names = ", ".join(dataset.uncaptioned[:5]) + (", ..." if len(dataset.uncaptioned) > 5 else "")
        print(f"{len(dataset.uncaptioned)} videos of the store have no captions: {names}", file=sys.stderr)
    return dataset


def device_of(name: str) -> torch.device:
    """The device of a setting; "auto" is a GPU where there is one.

    Raises: OptionError: No such device, or none that this machine has.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros(1, device=name)
        return torch.device(name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise OptionError(
            f"'device' must be auto, cpu or a device of this machine, got {name!r}: {reason}."
        ) from error


def graph_settings(values: dict[str, Any]) -> GraphSettings:
    """Checked arguments of the graph builder."""
    try:
        return GraphSettings(**values)
    except ValidationError as error:
        raise OptionError(_one_line("graph", error)) from error


def check_same_settings(config: DictConfig, saved: DictConfig) -> None:
    """A resumed run has the settings that it began with, but for how long and by what means it trains.

    Raises: OptionError: Another setting differs; it is named.
    """
    for key in ("seed", "data.dataset", "data.loader.batch_size", "data.loader.captions_per_video",
                "data.loader.captions_per_epoch", "data.num_frames", "data.min_count", "data.max_words",
                "model", "graph", "loss", "optimizer", "schedule"):  # fmt: skip
        old, new = OmegaConf.select(saved, key), OmegaConf.select(config, key)
        if old != new:
            raise OptionError(
                f"'{key}' was {plain(old)} when the run began, and is {plain(new)} now; resume it unchanged."
            )


def check_model(values: dict[str, Any]) -> None:
    """Builds the model without memory and with stand-ins for its inputs' widths: a wrong setting fails before the data."""
    stand_in = dict.fromkeys(("appearance", "motion", "object"), 1)
    with torch.device("meta"):
        STGraphCaptioner(model_settings(values, stand_in, num_words=5, max_words=1))


def model_settings(
    values: dict[str, Any], widths: dict[str, int], num_words: int, max_words: int
) -> STGraphCaptionerSettings:
    """The model's settings, its input widths read off the store."""
    values = dict(values)
    name = values.pop("name", STGraphCaptioner.name)
    if name != STGraphCaptioner.name:
        raise OptionError(f"'model.name' must be '{STGraphCaptioner.name}', got {name!r}.")
    for branch, stream in (("scene", "appearance"), ("object", "object")):
        if {branch, "joint"} & set(values.get("branches", ())) and not widths.get(stream):
            other = "object" if branch == "scene" else "scene"
            have = ", ".join(sorted(widths))
            raise OptionError(
                f"The {branch} branch (or the joint one) needs '{stream}' features, but the store has only {have}; "
                f"extract them, or train what is there alone by 'model.branches=[{other}]'."
            )
    inputs = {f"{stream}_channels": widths.get(stream, 0) for stream in ("appearance", "motion", "object")}
    try:
        return STGraphCaptionerSettings.model_validate(
            {"num_words": num_words, "max_words": max_words, **inputs, **values}
        )
    except ValidationError as error:
        raise OptionError(_one_line("model", error)) from error


def call_with(target: Callable[..., Any], config: DictConfig) -> Any:
    """``target`` with the configuration's entries as arguments."""
    return partial(target, **plain(config))()


def _one_line(group: str, error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join([group, *(str(part) for part in first["loc"])])
    return f"'{where}': {first['msg'].lower()}, got {str(first['input'])[:80]!r}."
