"""
Explaining a caption
====================

Which frames and which objects does a word rest on? This tutorial trains a small captioner on scenes of
three animals, of which two interact, and asks three methods whether the words rest on the right ones.
"""

# %%
# A model to explain
# ------------------
# Each scene has an animal that walks up to another one or away from it, and a third animal that stands
# still. The third one is never mentioned, so that no word should rest on it.

import logging
import warnings
from functools import partial

import lightning
import numpy as np
from torch.optim import Adam

import stgraph as sg

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")
warnings.filterwarnings("ignore", "Sparse CSR|.*torch.jit.script")

ANIMALS, FRAMES = ("dog", "horse", "sheep", "goat"), 6
ROLES = ("actor", "patient", "bystander")
builder = sg.VideoGraphBuilder("iou", "track")


def scene(seed, index):
    """A graph of three tracks in the order of the roles, and a sentence."""
    rng = np.random.default_rng([seed, index])
    kinds = rng.permutation(4)[:3]
    move = rng.choice([-1, 1])
    x = np.array([60.0, 140.0, 200.0]) + np.outer(range(FRAMES), [move * rng.uniform(5, 8), 0, 0])
    x += rng.normal(0, 1, x.shape)
    moved, place = (x - x[:1]).reshape(-1, 1) / 20, (x.reshape(-1, 1) - 120) / 60
    detections = sg.Detections(
        boxes=np.stack([x - 15, np.full_like(x, 40), x + 15, np.full_like(x, 70)], -1).reshape(-1, 4),
        scores=np.ones(3 * FRAMES),
        features=np.concatenate([np.eye(4)[np.tile(kinds, FRAMES)], moved, place], 1),
        frame=np.arange(3 * FRAMES) // 3,
        track=np.arange(3 * FRAMES) % 3,
        labels=np.tile(kinds, FRAMES),
        num_frames=FRAMES,
        size=(100, 240),
    )
    graph = builder(detections)
    graph.video_id = f"scene-{seed}-{index}"
    how = "up to" if move > 0 else "away from"
    return graph, [f"a {ANIMALS[kinds[0]]} walks {how} a {ANIMALS[kinds[1]]}"]


lightning.seed_everything(0, verbose=False)
data = sg.CaptionDataModule(
    train=[scene(0, index) for index in range(300)],
    test=[scene(1, index) for index in range(30)],
    builder=builder,
    batch_size=30,
)
model = sg.STGraphCaptioner.for_data(
    data,
    branches=("object",),
    pool="attention",
    hidden_channels=64,
    num_graph_layers=1,
    num_layers=1,
    num_heads=4,
    feedforward_channels=128,
    dropout=0.0,
)
captioner = sg.train_captioner(
    model,
    data,
    "runs/scenes",
    optimizer=partial(Adam, lr=3e-3),
    max_epochs=12,
    enable_progress_bar=False,
    enable_model_summary=False,
)
test = [scene(1, index) for index in range(30)]
right = sum(captioner(graph).text == sentences[0] for graph, sentences in test)
print(f"{right} of {len(test)} captions of new scenes are right")

# %%
# One word at a time
# ------------------
# :func:`~stgraph.inspection.ground_caption` gives each word weights over frames and boxes. By occlusion,
# the weight of a box is how far the log-probability of the word falls when the box is taken out.

from stgraph.inspection import ground_caption

graph, sentences = next(pair for pair in test if captioner(pair[0]).text == pair[1][0])
found = ground_caption(captioner, graph, method="occlusion")
print(found.caption)
for word, boxes in zip(found.words, found.nodes, strict=True):
    by_role = [float(boxes[graph.track == role].sum()) for role in range(3)]
    print(f"{word:6s}", *(f"{role} {weight:+.2f} " for role, weight in zip(ROLES, by_role, strict=True)))

# %%
# Three methods
# -------------
# Attention is what the model looks at; gradients and occlusion are what the word depends on. They need
# not agree. The picture shows the weights of each word summed over the boxes of each animal, each method
# on a scale of its own.

import matplotlib.pyplot as plt
import torch

METHODS = ("attention", "gradient_x_input", "occlusion")
figure, panels = plt.subplots(1, len(METHODS), figsize=(8.4, 3), sharey=True, layout="constrained")
for axes, method in zip(panels, METHODS, strict=True):
    weights = ground_caption(captioner, graph, method=method).nodes
    table = torch.stack([weights[:, graph.track == role].sum(1) for role in range(3)], 1)
    most = float(table.abs().max())
    axes.imshow(table, cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto")
    axes.set_title(method)
    axes.set_xticks(range(3), ROLES, rotation=30)
panels[0].set_yticks(range(len(found.words)), found.words)
figure

# %%
# Is the explanation true?
# ------------------------
# An explanation is faithful if the word needs what it points at. Take out the animal with the largest
# weight for the first noun, and the bystander: the word should suffer from the one and not from the
# other.

falls = {"animal of largest weight": [], "bystander": []}
for graph, _ in test:
    whole = ground_caption(captioner, graph, method="occlusion")
    noun = whole.words.index("a") + 1
    by_track = torch.stack([whole.nodes[noun, graph.track == role].sum() for role in range(3)])
    for name, track in (("animal of largest weight", int(by_track.argmax())), ("bystander", 2)):
        without = graph.subgraph(graph.track != track)
        fall = whole.log_probs[noun] - ground_caption(captioner, without, whole.caption).log_probs[noun]
        falls[name].append(float(fall))
for name, values in falls.items():
    print(f"{name}: the log-probability of the first noun falls by {np.mean(values):.2f} on average")

# %%
# A page to choose words in
# -------------------------

from pathlib import Path

from stgraph.inspection import CaptionView, write_page

graph, sentences = test[0]
found = ground_caption(captioner, graph, method="occlusion")
view = CaptionView("occlusion", found.words, frames=found.frames.clamp(min=0), nodes=found.nodes.clamp(min=0))
write_page("scene.html", graph, captions=[view], references=sentences, label_names=ANIMALS, title="A scene")
Path("scene.html")

# %%
# What each method means for each system, and its limits, is in :doc:`/grounding`. For a video, pass the
# path of a file in place of the graph.
