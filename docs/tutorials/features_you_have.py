"""
Features that you already have
==============================

Somebody extracted features long ago, and what is left is a folder of ``.npy`` files. This tutorial
imports them, finds the video that lacks a stream, checks what was imported, trains on it, and scores
captions of test videos with intervals.
"""

# %%
# What there is
# -------------
# One file per video and stream: frame vectors ``[T, D]`` of some backbone, and clip vectors ``[C, D]``
# of another. These are made up such that they carry information: frame vectors are of the things that
# appear, clip vectors of what happens.

import itertools
import json
from pathlib import Path

import numpy as np

rng = np.random.default_rng(0)
nouns = {word: rng.normal(0, 1, 32) for word in ("cat", "dog", "boy", "girl")}
verbs = {word: rng.normal(0, 1, 16) for word in ("follows", "leaves", "greets")}
sentences = [(a, verb, b) for a, verb, b in itertools.product(nouns, verbs, nouns) if a != b]

for stream in ("resnet152", "c3d"):
    Path("features", stream).mkdir(parents=True)
captions = {}
for number in range(108):
    a, verb, b = sentences[number % len(sentences)]
    frames = np.stack([nouns[a]] * 5 + [nouns[b]] * 5) + rng.normal(0, 1.5, (10, 32))
    clips = verbs[verb] + rng.normal(0, 1.5, (4, 16))
    np.save(f"features/resnet152/video{number}.npy", frames.astype(np.float32))
    if number != 17:  # something is always missing
        np.save(f"features/c3d/video{number}.npy", clips.astype(np.float32))
    split = "train" if number < 60 else "val" if number < 72 else "test"
    captions[f"video{number}"] = {
        "captions": [f"a {a} {verb} a {b}", f"the {a} {verb} the {b}"],
        "split": split,
    }
_ = Path("captions.json").write_text(json.dumps(captions), encoding="utf-8")

# %%
# Import
# ------
# The command is ``stgraph store import features store.h5 --layout npy --appearance resnet152 --motion
# c3d``; in Python, a reader of the layout yields videos, and a writer takes them. Layouts of HDF5 have
# readers, too (:doc:`/store`). The records name what made the features, as far as you know: a model
# refuses features that something else made.

from stgraph.errors import DataError
from stgraph.features.importers import read_npy_folders
from stgraph.features.store import ExtractorRecord, FeatureStore, FeatureStoreWriter, info, validate

folders = {"appearance": "features/resnet152", "motion": "features/c3d"}
records = {
    "appearance": ExtractorRecord("resnet152", weights="unknown", versions={}),
    "motion": ExtractorRecord("c3d", weights="unknown", versions={}),
}


def write(videos):
    with FeatureStoreWriter("store.h5", extractors=records) as writer:
        for video in videos:
            writer.add(video)


try:
    write(read_npy_folders(folders))
except DataError as error:
    print(error)

# %%
# Nothing is dropped unless you say so. With ``common=True``, or ``--common``, videos that lack a stream
# are left out.

write(read_npy_folders(folders, common=True))

# %%
# Check
# -----
# ``info`` reads no features and is quick; ``validate`` reads every value and lists what is wrong. As
# commands they are ``stgraph store info`` and ``stgraph store validate``.

print(info("store.h5"))
print("problems:", validate("store.h5"))

# %%
# What damage looks like, on a copy in which one value was overwritten:

import shutil

import h5py

shutil.copy("store.h5", "damaged.h5")
with h5py.File("damaged.h5", "r+") as file:
    file["frame/appearance"][3, 0] = np.nan
print(*validate("damaged.h5"), sep="\n")

# %%
# Train
# -----
# Captions are in one of the layouts that circulate (:doc:`/datasets`). A caption whose video has no
# features is an error, too, and ``common=True`` again leaves the video out, with a warning that names
# it. Without boxes there is a scene branch alone.

import logging
import warnings
from functools import partial

import lightning
from torch.optim import Adam

import stgraph as sg

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")
warnings.filterwarnings("ignore", "Sparse CSR|.*torch.jit.script")
lightning.seed_everything(0, verbose=False)

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    data = sg.CaptionDataModule.from_store(
        "store.h5", "captions.json", common=True, cache=True, batch_size=30
    )
print(*(warning.message for warning in caught if warning.category is UserWarning), sep="\n")

# %%

model = sg.STGraphCaptioner.for_data(
    data, branches=("scene",), hidden_channels=64, num_layers=1, num_heads=4, feedforward_channels=128
)
captioner = sg.train_captioner(
    model,
    data,
    "runs/old_features",
    optimizer=partial(Adam, lr=2e-3),
    max_epochs=20,
    check_val_every_n_epoch=5,
    enable_progress_bar=False,
    enable_model_summary=False,
)
video = FeatureStore("store.h5")["video80"]
print(captioner(video).text, "| reference:", data.corpus.captions("video80")[0])

# %%
# Scores
# ------
# Scores are those of the test split; the epoch was chosen on the validation split. Intervals come from
# drawing the test videos with replacement: they say how far a score depends on which videos happen to be
# in the test split.

import matplotlib.pyplot as plt

from stgraph.metrics import bootstrap_intervals

found = captioner.evaluate(data, split="test")
intervals = bootstrap_intervals(found.scores)
for metric, score in found.scores.items():
    print(f"{metric:8s} {score:.3f}  {intervals[metric].low:.3f} to {intervals[metric].high:.3f}")

# %%

names = [metric for metric in found.scores if metric != "CIDEr"]
scores = np.array([found.scores[name] for name in names])
low, high = np.array([intervals[name] for name in names]).T
figure, axes = plt.subplots(figsize=(6, 2.6), layout="constrained")
axes.errorbar(100 * scores, names, xerr=100 * np.stack([scores - low, high - scores]), fmt="o", capsize=3)
axes.invert_yaxis()
axes.set_xlim(0, 100)
axes.set_xlabel(f"score of {len(found.captions)} test videos, with 95 % intervals")
figure
