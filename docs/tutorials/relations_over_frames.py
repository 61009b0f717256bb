"""
Tracks to a relation head, frame by frame
=========================================

A data set says in each frame what a hand does to a cup. This tutorial reads the layout of CAD-120,
trains a classifier of pairs of boxes, and draws what it sees over the frames of a person whom it has
never met. The same steps read the data set itself, and JAAD, VidVRD, VidOR or Action Genome by another
reader (:doc:`/tracks`).
"""

# %%
# A sample in the layout
# ----------------------
# CAD-120 packed is a JSON file of videos and an npz file of arrays. This sample is made up: a hand walks
# up to a cup, lifts it, and leaves it there. Three people do so, each in their own way.

import json
from pathlib import Path

import numpy as np

rng = np.random.default_rng(0)
FRAMES = 24
PACE = {"Ann": 6.0, "Ben": 8.0, "Cem": 10.0}  # pixels per frame
videos, arrays = {}, {}
for person, pace in PACE.items():
    for number in range(6):
        name = f"{person.lower()}{number}"
        grasp, leave = 7 + rng.integers(3), 16 + rng.integers(3)
        hand, cup = np.array([320 - pace * grasp, 300.0]), np.array([320.0, 300.0])
        boxes, relation = [], []
        for frame in range(FRAMES):
            holds = grasp <= frame < leave
            hand = hand + ([pace, 0] if frame < grasp else [0, -pace] if holds else [pace, pace])
            cup = hand.copy() if holds else cup
            both = [[*(x - w), *(x + w)] for x, w in ((hand, 25), (cup, 18))]
            boxes.append(np.array(both) + rng.normal(0, 8, (2, 4)))
            relation.append(0 if holds else 1)
        arrays[f"{name}__boxes"] = np.array(boxes).astype(np.int16)
        arrays[f"{name}__relations"] = np.array([relation], dtype=np.int8)
        arrays[f"{name}__attributes"] = np.zeros((0, FRAMES), dtype=np.int8)
        videos[name] = {
            "subject": person,
            "activity": "moving",
            "frames": FRAMES,
            "objects": ["hand_1", "cup_1"],
            "labels": ["hand", "cup"],
            "relation_pairs": [["hand_1", "cup_1"]],
            "attribute_objects": [],
        }
Path("cad120").mkdir()
content = {
    "relations": ["holding", "not_holding"],
    "videos": videos,
    "captioned_segments": [],
    "action_clips": [],
}
Path("cad120/cad120.json").write_text(json.dumps(content), encoding="utf-8")
np.savez("cad120/tracks.npz", **arrays)

# %%
# Read it
# -------
# A reader gives one video at a time, and counts what it left out. A fold holds one person out, as the
# published protocol does.

from stgraph.datasets.tracks import CAD120, relation_examples

data = CAD120("cad120", fps=10)
video = data["ann0"]
print(video.detections.num_frames, "frames;", "left out:", dict(video.dropped))
fold = next(fold for fold in data.leave_one_out() if fold.group == "Cem")
print("train:", fold.train, "test:", fold.test, sep="\n  ")

# %%
# Train
# -----
# The target is a relation of a pair of boxes, in each frame in which it is annotated.

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

builder = sg.VideoGraphBuilder("iou", "track")


def examples(ids):
    return relation_examples(data, builder, num_frames=None, ids=ids)


targets = sg.ClassificationDataModule(
    train=examples(fold.train[2:]),
    val=examples(fold.train[:2]),
    test=examples(fold.test),
    label_names=data.label_names,
    builder=builder,
    batch_size=4,
)
model = sg.RelationClassifier.for_data(targets, hidden_channels=32, num_layers=1)
trained = sg.train_classifier(
    model,
    targets,
    "runs/holding",
    optimizer=partial(Adam, lr=5e-3),
    max_epochs=12,
    enable_progress_bar=False,
    enable_model_summary=False,
)
found = trained.evaluate(targets, "test")
print({name: round(score, 2) for name, score in found.scores().items()})
print("95 % interval of the accuracy over videos:", found.intervals(by="items")["accuracy"])

# %%
# Frames of one video are not independent, so intervals draw whole videos. Over persons there is one
# person here, and no interval.
#
# Over the frames
# ---------------
# The probability of "holding" in each frame of a video of the held-out person, with what was annotated
# as a band.

import matplotlib.pyplot as plt

graph, truth = examples(fold.test[:1])[0]
probabilities = trained(graph, pairs=list(truth))
frames = [int(graph.frame[i]) for i, _ in truth]
figure, axes = plt.subplots(figsize=(6.5, 2.3), layout="constrained")
holding = [frame for frame, names in zip(frames, truth.values(), strict=True) if "holding" in names]
axes.axvspan(min(holding) - 0.5, max(holding) + 0.5, color="0.88", label="annotated as holding")
axes.plot(frames, [p["holding"] for p in probabilities.values()], marker=".", label="model")
axes.set_xlabel(f"frame of {fold.test[0]}")
axes.set_ylabel("probability of holding")
axes.set_ylim(-0.03, 1.03)
axes.legend()
figure

# %%
# And in the frames, as boxes and edges without pixels: before, while and after the hand holds the cup.

from stgraph.inspection import draw_graph

shown = video.clip(0, FRAMES, 5)
draw_graph(
    shown.graph(builder, "ann0"),
    np.full((5, 480, 640, 3), 225, np.uint8),
    label_names=data.label_names,
    title="hand and cup in five frames of ann0",
)
