"""One cell of the table: a row with one seed over all folds."""

from __future__ import annotations

import hashlib
import json
import logging
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from torch.optim import AdamW

from benchmarks.real_graphs.hand_made import BASELINES, features_of
from benchmarks.real_graphs.rows import HEAD_CHANNELS, NUM_WEIGHTS, ROWS, examples_of, model_of
from benchmarks.real_graphs.tasks import Examples, Fold, Task
from stgraph import VideoGraphBuilder
from stgraph.datasets import ClassificationDataModule
from stgraph.datasets.tracks import MirroredTracks, TrackDataset
from stgraph.files import atomic_write
from stgraph.metrics import Predictions
from stgraph.training import ClassificationModule, cosine_with_warmup

WEIGHT_DECAY, WARMUP_STEPS = 1e-2, 20
FIELDS = ("probabilities", "labels", "classes", "items")


@dataclass(frozen=True)
class CellResult:
    """What a cell found.

    Args:
        predictions: Probabilities and true labels of each fold's test targets.
        weights: Number of weights of the model; 0 for a baseline.
        seconds: Time of making the data, training and testing.
        settings: What the predictions depend on, apart from the seed.
    """

    predictions: dict[str, Predictions]
    weights: int
    seconds: float
    settings: str

    def save(self, path: Path) -> None:
        """Writes the cell to an npz file."""
        arrays: dict[str, Any] = {
            "weights": self.weights,
            "seconds": self.seconds,
            "settings": self.settings,
            "folds": list(self.predictions),
        }
        for number, found in enumerate(self.predictions.values()):
            arrays |= {f"{number}/{name}": getattr(found, name) for name in FIELDS}
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as part, part.open("wb") as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, path: Path, settings: str) -> CellResult | None:
        """Reads a cell; None if there is none, or one of other settings."""
        if not path.is_file():
            return None
        with np.load(path, allow_pickle=False) as file:
            if "settings" not in file or str(file["settings"]) != settings:
                return None
            found = {}
            for number, fold in enumerate(file["folds"].tolist()):
                values = {name: file[f"{number}/{name}"] for name in FIELDS}
                values |= {name: tuple(values[name].tolist()) for name in ("classes", "items")}
                found[fold] = Predictions(**values)
            return cls(found, int(file["weights"]), float(file["seconds"]), settings)


def settings_of(task: Task, title: str, name: str, folds: Sequence[Fold], epochs: int) -> str:
    """A digest of what the predictions of a row depend on, apart from the seed and the code."""
    known: list[Any] = [title, name, [[fold.name, list(fold.train[1]), list(fold.test[1])] for fold in folds]]
    if name in ROWS:
        row = ROWS[name]
        known += [row.title, row.arguments, row.pool, row.change, epochs, HEAD_CHANNELS, NUM_WEIGHTS]
        known += [task.learning_rate, WEIGHT_DECAY, task.batch_size, WARMUP_STEPS, task.mirrored]
        known += ["standardized"] if task.standardize else []
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]


def run_cell(
    task: Task, name: str, seed: int, folds: Sequence[Fold], epochs: int, settings: str
) -> CellResult:
    """Trains and tests a row with one seed on every fold."""
    started, found, weights = time.perf_counter(), {}, 0
    for fold in folds:
        if name in BASELINES:
            found[fold.name] = _baseline(task, name, seed, fold)
        else:
            found[fold.name], weights = _network(task, name, seed, fold, epochs)
    return CellResult(found, weights, time.perf_counter() - started, settings)


def _network(task: Task, name: str, seed: int, fold: Fold, epochs: int) -> tuple[Predictions, int]:
    data = ClassificationDataModule(
        train=_training_examples(task, name, fold.train),
        test=_examples(task, name, fold.test),
        label_names=fold.train[0].label_names,
        batch_size=task.batch_size,
        seed=seed,
    )
    lightning.seed_everything(seed, verbose=False)
    model = model_of(ROWS[name], task.model, data, seed, task.standardize)
    module = ClassificationModule(
        model,
        data.classes,
        optimizer=partial(AdamW, lr=task.learning_rate, weight_decay=WEIGHT_DECAY),
        schedule=partial(cosine_with_warmup, warmup_steps=WARMUP_STEPS),
        seed=seed,
    )
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            gradient_clip_val=1.0,
        )
        trainer.fit(module, datamodule=data)
    model.eval()
    with torch.no_grad():
        parts = [
            batch.scored(model.probabilities(model(batch.graphs, batch.query)))
            for batch in data.loader_of("test")
        ]
    return Predictions.join(parts, data.classes), sum(weight.numel() for weight in model.parameters())


def _baseline(task: Task, name: str, seed: int, fold: Fold) -> Predictions:
    train, test = (_hand_made(task, part[0], tuple(part[1])) for part in (fold.train, fold.test))
    classes = tuple(sorted({*train.labels, *test.labels}))
    fitted = BASELINES[name][1](seed).fit(train.features, train.labels)
    probabilities = np.zeros((len(test.labels), len(classes)))
    probabilities[:, [classes.index(each) for each in fitted.classes_]] = fitted.predict_proba(test.features)
    numbers = np.array([classes.index(label) for label in test.labels])
    return Predictions(probabilities, numbers, classes, test.items)


@dataclass(frozen=True)
class _HandMade:
    features: np.ndarray
    labels: list[str]
    items: tuple[str, ...]


@cache
def _hand_made(task: Task, dataset: Any, ids: tuple[str, ...]) -> _HandMade:
    examples = task.examples(dataset, VideoGraphBuilder(None, None), ids)
    targets = [
        (label, graph.video_id)
        for graph, target in examples
        for label in (target.values() if isinstance(target, dict) else [target])
    ]
    labels, items = zip(*targets, strict=True)
    return _HandMade(features_of(examples, dataset.label_names), list(labels), items)


_kept: dict[Any, Examples] = {}
_mirrored = cache(MirroredTracks)


def _training_examples(task: Task, name: str, part: tuple[TrackDataset, Sequence[str]]) -> Examples:
    dataset, ids = part
    found = _examples(task, name, part)
    if task.mirrored:
        mirror = _mirrored(dataset)
        known = dict(zip(dataset.ids, mirror.ids, strict=True))
        found = found + _examples(task, name, (mirror, [known[video_id] for video_id in ids]))
    return found


def _examples(task: Task, name: str, part: tuple[Any, Sequence[str]]) -> Examples:
    """The graphs of a row; rows and seeds with the same builder share them."""
    row, (dataset, ids) = ROWS[name], part
    key = (task.examples, row.builder, row.change, id(dataset), tuple(ids))
    if key not in _kept:
        _kept[key] = examples_of(row, lambda builder: task.examples(dataset, builder, ids))
    return _kept[key]
