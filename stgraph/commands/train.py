"""``stgraph train [experiment=... key=value ...]``: trains a captioner and leaves a model folder."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

import hydra
from lightning.pytorch import seed_everything
from lightning.pytorch.utilities.rank_zero import rank_zero_only
from omegaconf import DictConfig, OmegaConf

import stgraph
from stgraph.commands.console.progress import progress_line
from stgraph.commands.model_settings import (
    check_model,
    graph_settings,
    make_loss,
    make_model,
    model_settings,
)
from stgraph.datasets import CaptionDataModule, GraphSource, StoredDataset, open_dataset
from stgraph.extraction import ExtractionLog
from stgraph.features.store import FeatureStore
from stgraph.files import atomic_write
from stgraph.metrics import CaptionEvaluator
from stgraph.models import ExtractorConfig, ModelConfig
from stgraph.pipeline import CaptionPipeline
from stgraph.settings.compose import compose, plain, saved_config
from stgraph.settings.identity import check_same_settings
from stgraph.text import CaptionTokenizer
from stgraph.training import CaptioningModule, check_run_folder, fit
from stgraph.training.reinforce.config import check_rewards, with_rewards
from stgraph.training.warm_start import take_teacher, take_weights

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
    graph, chosen = graph_settings(plain(config.graph)), plain(config.model)
    stand_in = check_model(chosen)
    loss = make_loss(plain(config.loss), chosen["name"])
    rewards = plain(config.reinforce) if "reinforce" in config else None
    if rewards is not None:
        check_rewards(rewards, loss, stand_in)
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
        max_length=config.data.max_length,
    )
    categories = corpus.categories("train") if chosen.get("categories") else ()
    settings = model_settings(chosen, store.widths, tokenizer.vocab_size, config.data.max_length, categories)
    model = make_model(chosen, settings)
    read = {stream for branch in model.branches for stream in model.streams(branch)}
    source = GraphSource(
        store,
        graph.build(),
        config.data.num_frames,
        cache=config.data.cache,
        streams=read & store.extractors.keys(),
        categories=corpus.category_numbers(categories) if categories else None,
    )
    data = CaptionDataModule(
        source,
        corpus,
        tokenizer,
        seed=config.seed,
        validation_captions=config.monitor == "val/loss",
        **plain(config.data.loader),
    )
    # METEOR, whose Java program takes longer than a small epoch, is left to the evaluation.
    val = corpus.references("val")
    evaluator = CaptionEvaluator(val, metrics=("BLEU-4", "CIDEr")) if val else None
    if config.start is not None:
        take_weights(model, CaptionPipeline.from_pretrained(config.start), graph, tokenizer, store.extractors)
    if config.teacher is not None:
        take_teacher(
            model, CaptionPipeline.from_pretrained(config.teacher), graph, tokenizer, store.extractors
        )
    if rewards is not None:
        loss = with_rewards(rewards, loss, model, corpus.references("train"), tokenizer)
    module = CaptioningModule(
        model,
        tokenizer,
        loss,
        optimizer,
        schedule,
        evaluator,
        config.seed,
    )
    description = ModelConfig(
        stgraph=stgraph.__version__,
        model=model.name,
        settings=settings.model_dump(mode="json"),
        graph=graph,
        num_frames=config.data.num_frames,
        extractors=extractors_of(store),
        categories=categories,
    )
    save_config(config, folder)
    fit(
        module,
        data,
        folder,
        description,
        trainer=plain(config.trainer),
        monitor=config.monitor,
        patience=config.patience,
        every_n_steps=config.resume_every,
        resume=config.resume,
    )
    return folder


def save_config(config: DictConfig, folder: Path) -> None:
    """Keeps the configuration in the folder of the run; of several processes the first one does."""
    folder.mkdir(parents=True, exist_ok=True)
    if first_process():
        with atomic_write(folder / "config.yaml") as part:  # the others may be reading the old one
            OmegaConf.save(config, part)


def first_process() -> bool:
    """Whether this is the one process, or the first of those that train together."""
    return rank_zero_only.rank == 0  # type: ignore[attr-defined]


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


def extractors_of(store: FeatureStore) -> dict[str, ExtractorConfig]:
    """What made the streams of a store, and what each took where stgraph made them."""
    seconds = ExtractionLog.load(store.path).seconds_per_video
    return {
        stream: ExtractorConfig(**asdict(record), seconds_per_video=seconds.get(record.name))
        for stream, record in store.extractors.items()
    }
