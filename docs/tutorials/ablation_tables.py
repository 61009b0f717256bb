"""
Ablation tables, and what their intervals mean
==============================================

Does a part of a model help, or was it luck? This tutorial runs a table of two rows and three seeds,
reads it, and looks into the two kinds of intervals that come with it: over seeds, and over test videos.
"""

# %%
# Data
# ----
# A table needs a feature store and captions, with a training, a validation and a test split. Here are 90
# made-up videos whose frame vectors are of a subject and an object, and whose clip vectors are of what
# happens.

import itertools
import json
from pathlib import Path

import numpy as np
import torch

import stgraph as sg
from stgraph.features.store import ExtractorRecord, FeatureStoreWriter

rng = np.random.default_rng(0)
who, does = ("cat", "dog", "boy"), ("follows", "leaves", "greets")
vectors = {word: rng.normal(0, 1, 24) for word in who + does}
sentences = list(itertools.product(who, does, who))
records = {name: ExtractorRecord("made-up", "none", {}) for name in ("appearance", "motion")}
captions = {}
with FeatureStoreWriter("table.h5", extractors=records) as writer:
    for number in range(90):
        a, verb, b = sentences[rng.integers(len(sentences))]
        frames = np.stack([vectors[a]] * 4 + [vectors[b]] * 4) + rng.normal(0, 1.5, (8, 24))
        clip = vectors[verb] + rng.normal(0, 1.5, (1, 24))
        writer.add(
            sg.VideoFeatures(
                f"video{number}",
                size=(240, 320),
                frame_index=torch.arange(8),
                frame_time=torch.arange(8) / 4,
                appearance=torch.tensor(frames, dtype=torch.float32),
                motion=torch.tensor(clip, dtype=torch.float32),
                clip_start=torch.tensor([0]),
            )
        )
        split = "train" if number < 45 else "val" if number < 55 else "test"
        captions[f"video{number}"] = {"captions": [f"a {a} {verb} a {b}"], "split": split}
_ = Path("table_captions.json").write_text(json.dumps(captions), encoding="utf-8")

# %%
# A table of your own
# -------------------
# A table is a YAML file: rows by name, each with a title and the settings in which it differs. The
# tables of the papers come with the library, as in ``stgraph ablate table=stgkd`` (:doc:`/ablation`).

table = """\
title: Does it help to drop features in training?
source: this tutorial
references: [plain]             # the row that others are compared with
settings: [row=scene_branch_only, model.hidden_channels=32, model.num_layers=1, model.num_heads=4,
           model.feedforward_channels=64]
rows:
  plain: {title: all features, settings: []}
  some: {title: 2 of 10 dropped, settings: [model.input_dropout=0.2]}
"""
_ = Path("dropped.yaml").write_text(table)

# %%
# Run it
# ------
# Every cell, a row with a seed, is trained on the training split, keeps the epoch that is best on the
# validation split, and is scored on the test split. An interrupted command continues where it stopped,
# and processes or machines can share the cells.

import subprocess
import sys

settings = [
    "experiment=interactions_study",  # settings for quick runs; "stgkd_paper" has those of the paper
    "data=folder",
    "data.dataset.store=table.h5",
    "data.dataset.captions=table_captions.json",
    "data.loader.batch_size=15",
    "trainer.max_epochs=12",
    "trainer.check_val_every_n_epoch=4",
    "schedule.warmup_steps=5",
    "optimizer.lr=0.003",
]
command = [
    "ablate",
    "table=dropped.yaml",
    "seeds=3",
    "jobs=1",
    "results=results",
    "runs=runs/table",
    *settings,
]
ended = subprocess.run(
    [sys.executable, "-W", "ignore", "-m", "stgraph", *command], capture_output=True, text=True, check=True
)
print(ended.stdout)

# %%
# ``results/dropped`` holds a JSON file for each cell and the table in Markdown and LaTeX (with caption, label and the
# rules of booktabs). The figure has a dot for each run.

Path("results/dropped/figure.svg")

# %%
# Intervals over seeds
# --------------------
# "± 4.1 (60.2 to 80.6)" is the standard deviation over seeds and Student's 95 % interval of the mean. It
# answers: **if I trained with other seeds, where would the mean be?** With three seeds the interval
# reaches 2.5 standard deviations to each side, with five 1.2, with two 9.

from stgraph.experiments import load_cell, mean_interval, paired_interval

cider = {
    row: {
        cell.seed: cell.scores[cell.tested]["CIDEr"]
        for cell in map(load_cell, Path("results/dropped", row).glob("*.json"))
    }
    for row in ("plain", "some")
}
for row, scores in cider.items():
    found = mean_interval(list(scores.values()))
    print(f"{row:7s} CIDEr {found.mean:.2f} ± {found.deviation:.2f}, {found.low:.2f} to {found.high:.2f}")

# %%
# What the 95 % promise: if the whole study were repeated many times, 95 of 100 such intervals would
# contain the true mean. Here are 40 studies of three seeds from a distribution whose mean is known to be
# 70.

import matplotlib.pyplot as plt

draws = np.random.default_rng(0).normal(70, 4, (2000, 3))
studies = [mean_interval(list(draw)) for draw in draws]
covered = np.array([study.low <= 70 <= study.high for study in studies])
figure, axes = plt.subplots(figsize=(7, 2.4), layout="constrained")
for number, (study, good) in enumerate(zip(studies[:40], covered, strict=False)):
    axes.plot([number, number], [study.low, study.high], color="C0" if good else "C1", lw=3)
axes.axhline(70, color="black", lw=1)
axes.set_xlabel("study of three seeds")
axes.set_ylabel("interval")
print(f"{100 * covered.mean():.0f} % of 2,000 intervals contain the true mean")
figure

# %%
# Paired differences
# ------------------
# Two rows with the same seed saw the same data in the same order, so their difference varies less than
# the scores do. The table therefore compares rows by the mean of the differences seed by seed, and
# prints a difference in bold where its interval excludes 0.

found = paired_interval(cider["some"], cider["plain"])
print(f"CIDEr {found.mean:+.2f}, 95 % interval {found.low:+.2f} to {found.high:+.2f}")

# %%
# Intervals over videos
# ---------------------
# Seeds are one source of luck, the choice of test videos is another: **with other test videos, would the
# comparison come out the same?** ``stgraph compare RUN OTHER`` answers that by drawing the test videos
# with replacement, for both runs together. A claim about a method should hold in both respects.

from stgraph.metrics import Evaluation, paired_bootstrap

some, plain = (
    Evaluation.load(next(Path("runs/table/dropped", row, "0").glob("evaluation-test-*.json"))).scores
    for row in ("some", "plain")
)
found = paired_bootstrap(some, plain)["CIDEr"]
print(
    f"seed 0, CIDEr {found.difference:+.2f}, {found.low:+.2f} to {found.high:+.2f}, p = {found.p_value:.2f}"
)

# %%
# Where next
# ----------
# :doc:`/ablation` has all tables and settings, several machines included, and :doc:`/results` what was
# measured. The script ``reproduce_a_table.py`` goes through a kill, a resume, and the check of a single
# cell.
