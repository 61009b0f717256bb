"""One cell of a caption table: a row with one seed over all folds."""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import torch
from torch.optim import AdamW

from benchmarks.real_graphs.captions.baselines import BASELINES, plain_examples
from benchmarks.real_graphs.captions.data import Fold, Pairs, Source, of_videos
from benchmarks.real_graphs.captions.rows import NUM_WEIGHTS, CaptionRow
from benchmarks.real_graphs.rows import examples_of, width_of
from stgraph import CaptionDataModule
from stgraph.decoding import BeamSearch, Decoding
from stgraph.files import write_text
from stgraph.graph import VideoGraph
from stgraph.models import CaptioningModel, captions_of
from stgraph.training import CaptioningModule, cosine_with_warmup

WARMUP_STEPS = 20


@dataclass(frozen=True)
class CaptionCell:
    """What a cell found.

    Args:
        captions: Caption of each test video or clip, by fold.
        weights: Number of weights of the model; 0 for a baseline.
        seconds: Time of training and captioning, to a tenth, so that a saved cell is printed as it was when it was new.
        settings: What the captions depend on, apart from the seed.
    """

    captions: dict[str, dict[str, str]]
    weights: int
    seconds: float
    settings: str

    def save(self, path: Path) -> None:
        """Writes the cell as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(vars(self), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path, settings: str) -> CaptionCell | None:
        """Reads a cell; None if there is none, or one of other settings."""
        if not path.is_file():
            return None
        found = cls(**json.loads(path.read_text(encoding="utf-8")))
        return found if found.settings == settings else None


def run_cell(row: CaptionRow | str, seed: int, folds: Sequence[Fold], settings: str) -> CaptionCell:
    """Captions the test of every fold, by a row that is trained with one seed or by a baseline of this name."""
    started, captions, weights = time.perf_counter(), {}, 0
    for fold in folds:
        if isinstance(row, str):
            known, test = (plain_examples(*part) for part in (fold.train, fold.test))
            captions[fold.name] = BASELINES[row][1](fold.train[0], known, test)
        else:
            model, data = train(row, seed, fold)
            captions[fold.name] = caption(
                model, data, BeamSearch(row.recipe.beams, row.recipe.length_penalty)
            )
            weights = sum(weight.numel() for weight in model.parameters())
    return CaptionCell(captions, weights, round(time.perf_counter() - started, 1), settings)


def train(row: CaptionRow, seed: int, fold: Fold) -> tuple[CaptioningModel, CaptionDataModule]:
    """Trains a row with one seed on the training part of a fold."""
    recipe = row.recipe
    known, test = (_examples(row, part) for part in (fold.train, fold.test))
    if row.kind == "system":
        known, test = _standardised(known, test)
    data = CaptionDataModule(
        train=known,
        test=test,
        min_count=recipe.min_count,
        max_length=recipe.max_length,
        batch_size=recipe.batch_size,
        captions_per_video=recipe.captions_per_video,
        captions_per_epoch=recipe.captions_per_epoch,
        seed=seed,
    )
    lightning.seed_everything(seed, verbose=False)
    model = model_of(row, data, fold.train[0], seed)
    module = CaptioningModule(
        model,
        data.tokenizer,
        row.loss(**row.loss_arguments),
        optimizer=partial(AdamW, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True),
        schedule=partial(cosine_with_warmup, warmup_steps=WARMUP_STEPS),
        seed=seed,
    )
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            max_epochs=recipe.epochs,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            gradient_clip_val=5.0,
            limit_val_batches=0,
        )
        trainer.fit(module, datamodule=data)
    return model.eval(), data


def caption(model: CaptioningModel, data: CaptionDataModule, decoding: Decoding) -> dict[str, str]:
    """Captions of the test videos."""
    return {
        found.video_id: found.text
        for batch in data.test_dataloader()
        for found in captions_of(model, data.tokenizer, batch.graphs, batch.video_ids, decoding=decoding)
    }


def model_of(row: CaptionRow, data: CaptionDataModule, source: Source, seed: int) -> CaptioningModel:
    """The model of a row; if it has an encoder of boxes, its width gives it about ``NUM_WEIGHTS`` weights."""
    if row.kind == "system":
        return row.model.for_data(data, **row.arguments)

    def build(width: int) -> CaptioningModel:
        model = row.model.for_data(data, hidden_channels=width, num_labels=source.num_labels, **row.arguments)
        if row.graphs.encoder is not None:
            model.encoder = row.graphs.encoder(data.widths["object"], width, num_labels=source.num_labels)
        return model

    if row.settings not in _widths:  # of the first fold, whose vocabulary is not quite that of the others
        _widths[row.settings] = width_of(build, NUM_WEIGHTS)
    lightning.seed_everything(seed, verbose=False)
    return build(_widths[row.settings])


_widths: dict[str, int] = {}


def _standardised(train: Pairs, test: Pairs) -> tuple[Pairs, Pairs]:
    """The same graphs, with frame features of mean 0 and variance 1 over all training frames."""
    frames = torch.cat([graph.appearance for graph, _ in train])
    mean, deviation = frames.mean(0), frames.std(0)

    def changed(graph: VideoGraph) -> VideoGraph:
        graph = graph.clone()
        graph.appearance = (graph.appearance - mean) / deviation
        return graph

    return tuple([(changed(graph), captions) for graph, captions in part] for part in (train, test))


_kept: dict[Any, Pairs] = {}


def _examples(row: CaptionRow, part: tuple[Source, Sequence[str]]) -> Pairs:
    """The graphs of a row; rows, folds and seeds with the same builder share them."""
    graphs, (source, ids) = row.graphs, part
    key = (graphs.builder, graphs.change, row.recipe.num_frames, id(source))
    if key not in _kept:
        _kept[key] = examples_of(
            graphs, lambda builder: source.examples(builder, source.ids, row.recipe.num_frames)
        )
    return of_videos(_kept[key], ids)
