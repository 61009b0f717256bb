"""
Training the Lightning way
==========================

You have a dataset class, a ``Trainer`` with callbacks and a logger, and want to keep them. This tutorial
trains a captioner with these, and turns the result into a pipeline that can be saved and shared.
"""

# %%
# A dataset of your own
# ---------------------
# An item is a graph with its sentences. Here are two animals that walk towards each other, away from
# each other, or side by side, as boxes over eight frames; a box's features say what it is and where it
# is.

import itertools

import numpy as np
import torch

import stgraph as sg

ANIMALS = ("dog", "horse", "sheep")
MOVES = {"walks up to": (1, 0), "walks away from": (-1, 0), "walks along with": (1, 1), "meets": (1, -1)}
KINDS = list(itertools.product(range(3), range(3), MOVES))
builder = sg.VideoGraphBuilder("iou", "track")


def walk(seed: int, index: int) -> tuple[sg.VideoGraph, list[str]]:
    """A graph of two tracks over eight frames, and two sentences."""
    rng = np.random.default_rng([seed, index])
    left, right, move = KINDS[rng.integers(len(KINDS))]
    steps = np.array(MOVES[move]) * rng.uniform(4, 6, 2)
    x = np.array([60.0, 150.0]) + np.outer(range(8), steps) + rng.normal(0, 1, (8, 2))
    detections = sg.Detections(
        boxes=np.stack([x - 15, np.full_like(x, 40), x + 15, np.full_like(x, 70)], -1).reshape(16, 4),
        scores=np.ones(16),
        features=np.concatenate([np.eye(3)[[left, right] * 8], (x.reshape(16, 1) - 105) / 50], 1),
        frame=np.arange(16) // 2,
        track=np.arange(16) % 2,
        num_frames=8,
        size=(100, 240),
    )
    graph = builder(detections)
    graph.video_id = f"walk-{seed}-{index}"
    words = f"{ANIMALS[left]} {move} a {ANIMALS[right]}"
    return graph, [f"a {words}", f"the {words}"]


class Walks(torch.utils.data.Dataset):
    """Some walks, held in memory."""

    def __init__(self, count: int, seed: int) -> None:
        self.items = [walk(seed, index) for index in range(count)]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[sg.VideoGraph, list[str]]:
        return self.items[index]


print(*Walks(1, seed=0)[0], sep="\n")

# %%
# Loaders
# -------
# A ``torch.utils.data.DataLoader`` takes the library's collate function. Batches that PyTorch
# Geometric's own loader makes of graphs with an attribute ``captions`` are accepted, too.

from torch.utils.data import DataLoader

from stgraph.text import CaptionTokenizer

train, val = Walks(240, seed=0), Walks(40, seed=1)
tokenizer = CaptionTokenizer.from_captions(sentence for _, sentences in train for sentence in sentences)
collate = sg.CaptionCollator(tokenizer)
loaders = [DataLoader(train, 32, shuffle=True, collate_fn=collate), DataLoader(val, 40, collate_fn=collate)]

# %%
# Model, module, trainer
# ----------------------
# The model is a plain ``torch.nn.Module``, :class:`~stgraph.CaptioningModule` a LightningModule with the
# loss of the model's paper. Everything else is Lightning's: here a callback of your own, early stopping,
# the best checkpoint, and a CSV log.

import logging
import warnings
from functools import partial

import lightning as L
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch.optim import Adam

from stgraph.models import captions_of
from stgraph.training import cosine_with_warmup

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")
warnings.filterwarnings("ignore", "Sparse CSR|.*torch.jit.script")


class ShowCaption(L.Callback):
    """Prints now and then what the model says of the same video."""

    def on_validation_end(self, trainer, module):
        if trainer.current_epoch % 4 == 1:
            graph, sentences = val[0]
            caption = captions_of(module.model, tokenizer, graph, [graph.video_id])[0]
            print(f"epoch {trainer.current_epoch}: {caption.text} | reference: {sentences[0]}")


L.seed_everything(0, verbose=False)
model = sg.STGraphCaptioner(
    tokenizer.vocab_size,
    object_channels=4,
    branches=("object",),
    hidden_channels=64,
    num_graph_layers=1,
    num_layers=1,
    num_heads=4,
    feedforward_channels=128,
    dropout=0.0,
)
module = sg.CaptioningModule(
    model, tokenizer, optimizer=partial(Adam, lr=4e-3), schedule=partial(cosine_with_warmup, warmup_steps=10)
)
best = ModelCheckpoint("checkpoints", monitor="val/CIDEr", mode="max")
trainer = L.Trainer(
    max_epochs=16,
    check_val_every_n_epoch=2,
    callbacks=[best, EarlyStopping("val/CIDEr", mode="max", patience=3), ShowCaption()],
    logger=CSVLogger("logs"),
    log_every_n_steps=5,
    enable_progress_bar=False,
    enable_model_summary=False,
)
trainer.fit(module, *loaders)
print(f"best CIDEr {float(best.best_model_score):.2f}")

# %%
# The log as a picture:

import csv

import matplotlib.pyplot as plt

with open("logs/lightning_logs/version_0/metrics.csv", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
figure, (left, right) = plt.subplots(1, 2, figsize=(7.5, 2.6), layout="constrained")
for axes, names in ((left, ["train/loss", "val/loss"]), (right, ["val/CIDEr"])):
    for name in names:
        points = [(int(row["epoch"]), float(row[name])) for row in rows if row[name]]
        axes.plot(*zip(*points, strict=True), marker=".", label=name)
    axes.set_xlabel("epoch")
    axes.legend()
figure

# %%
# A pipeline from it
# ------------------
# A pipeline needs to know how graphs are built, so that it can be given boxes or a file.
# :class:`~stgraph.CaptionDataModule` knows it, and makes the same batches however many devices there
# are. It takes the same items.

data = sg.CaptionDataModule(train=train, val=val, builder=builder, tokenizer=tokenizer)
module.load_state_dict(torch.load(best.best_model_path, weights_only=True)["state_dict"])
captioner = sg.CaptionPipeline(model, tokenizer, data.model_config(model))
captioner.save_pretrained("runs/walks")

again = sg.CaptionPipeline.from_pretrained("runs/walks")
for graph, sentences in Walks(4, seed=2):
    print(again(graph).text, "| reference:", sentences[0])

# %%
# When to use ``train_captioner``
# -------------------------------
# :func:`~stgraph.train_captioner` is such a trainer with what a run of days needs: it continues a killed
# run to the same weights, keeps the best ones, and leaves a model folder. It takes callbacks, loggers
# and arguments of ``Trainer`` as well (:doc:`/training`).
