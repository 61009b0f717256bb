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
from lightning.pytorch.utilities.rank_zero import rank_zero_only
from omegaconf import DictConfig, OmegaConf
from pydantic import ValidationError

import stgraph
from stgraph.captioner import Captioner, build_graph_builder, load_captioner
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
        if not first_process():  # the first one says it
            return 130
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
    model = STGraphCaptioner(settings)
    if config.teacher is not None:
        take_teacher(model, load_captioner(config.teacher), graph, tokenizer)
    module = CaptioningModule(
        model,
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
    save_config(config, folder)
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


def save_config(config: DictConfig, folder: Path) -> None:
    """Keeps the configuration in the folder of the run; of several processes the first one does."""
    folder.mkdir(parents=True, exist_ok=True)
    if first_process():
        part = folder / "config.yaml.part"  # renamed when whole, as the others may be reading the old one
        OmegaConf.save(config, part)
        part.replace(folder / "config.yaml")


def first_process() -> bool:
    """Whether this is the one process, or the first of those that train together."""
    return rank_zero_only.rank == 0


def take_teacher(
    model: STGraphCaptioner, teacher: Captioner, graph: GraphSettings, tokenizer: CaptionTokenizer
) -> None:
    """Gives ``model`` the object branch of a trained one, which then stays as it is.

    Raises: OptionError: The trained model has no such branch, another vocabulary, graph or size.
    """
    for wanted, branches in (("the model", model.branches), ("'teacher'", teacher.model.branches)):
        if "object" not in branches or "scene" not in {*model.branches}:
            raise OptionError(
                f"A teacher needs the branches [scene, object] here and an object branch there, but {wanted} has "
                f"{list(branches)}."
            )
    if teacher.tokenizer.words != tokenizer.words:
        raise OptionError("'teacher' has another vocabulary; train it on the same captions and min_count.")
    if teacher.description.graph != graph:
        raise OptionError(
            f"'teacher' was trained on another graph, {teacher.description.graph}; use it here too."
        )
    prefixes = ("encoders.object.", "decoders.object.")
    state = {name: value for name, value in teacher.model.state_dict().items() if name.startswith(prefixes)}
    own = {name: value.shape for name, value in model.state_dict().items() if name.startswith(prefixes)}
    if own != {name: value.shape for name, value in state.items()}:
        raise OptionError(
            "The object branch of 'teacher' has other sizes; give both the same model settings."
        )
    model.load_state_dict(state, strict=False)
    model.freeze("object")


def dataset_of(config: DictConfig) -> StoredDataset:
    """Opens the data set of a configuration, with a progress line while it is made."""
    arguments = plain(config.dataset)
    if arguments.get("name") == "interactions":
        arguments["progress"] = progress_line("videos")
    dataset = open_dataset(**arguments)
    if dataset.uncaptioned and first_process():
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


def settings_that_matter(config: DictConfig) -> dict[str, Any]:
    """The settings that can change a score, in so far as they are not the defaults: what tells two runs apart.

    As defaults are left out, an option that is added later, off by default, does not make old results look stale.
    """
    differing = _difference(plain(config), plain(compose("train", [])))
    for key in ("run", "resume", "resume_every", "teacher"):
        differing.pop(key, None)
    for group, keys in (
        ("trainer", ("accelerator", "devices", "strategy", "enable_progress_bar", "enable_model_summary")),
        ("data", ("cache",)),
    ):
        for key in keys:
            differing.get(group, {}).pop(key, None)
    differing.get("data", {}).get("loader", {}).pop("num_workers", None)
    differing.setdefault("data", {})["dataset"] = plain(config.data.dataset)
    return differing | {"seed": config.seed}


def _difference(values: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            if inner := _difference(value, base[key]):
                found[key] = inner
        elif key not in base or value != base[key]:
            found[key] = value
    return found


def check_same_settings(config: DictConfig, saved: DictConfig) -> None:
    """A resumed run has the settings that it began with, but for how long and by what means it trains.

    Raises: OptionError: Another setting differs; it is named.
    """
    for key in ("seed", "data.dataset", "data.loader.batch_size", "data.loader.captions_per_video",
                "data.loader.captions_per_epoch", "data.num_frames", "data.min_count", "data.max_words",
                "model", "graph", "loss", "optimizer", "schedule", "teacher",
                "trainer.accumulate_grad_batches"):  # fmt: skip
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
