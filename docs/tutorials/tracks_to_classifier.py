"""
Ultralytics with tracks to a PyG graph and a classifier
=======================================================

A detector with a tracker has seen your videos. This tutorial makes a PyTorch Geometric graph of each
video, linked along its tracks, and trains a classifier that names what happens in it.
"""

# %%
# From the detector
# -----------------
# With Ultralytics installed, the results of a video go straight in:
#
# .. code-block:: python
#
#     from ultralytics import YOLO
#
#     results = YOLO("yolo11n.pt").track("cat.mp4", stream=True)
#     detections = sg.Detections.from_ultralytics(results)
#
# and ``YOLO("yolo11n.pt").track("cat.mp4", save_txt=True, save_conf=True)`` writes text files instead,
# one per frame, which ``Detections.from_yolo_text`` reads. This page has to do without downloads, so it
# makes up what a detector would see of a person and a dog who meet, part, follow one another or stay
# where they are, and writes such text files. The boxes are off by two pixels or so, and one in twelve is
# missed, as with a real detector.

from pathlib import Path

import numpy as np

HEIGHT, WIDTH, FRAMES = 120, 240, 10
SIZES = {0: (24, 60), 1: (36, 26)}  # width and height of a person, class 0, and of a dog, class 1
MOVES = {
    "meet": (1, -1),
    "part": (-1, 1),
    "follow": (1, 1),
    "stay": (0, 0),
}  # of the left one, and of the right one


def write_labels(folder, rng):
    """Writes the text file of each frame and returns what happens: class, centre, size, confidence, track in a line."""
    action = rng.choice(list(MOVES))
    kinds = rng.permutation(list(SIZES))
    start = np.array([60, 180]) if action != "part" else np.array([105, 135])
    steps = np.array(MOVES[action]) * rng.uniform(0.4, 4, 2)
    folder.mkdir(parents=True)
    for frame in range(FRAMES):
        lines = []
        for track, kind in enumerate(kinds):
            x, y, w, h = start[track] + steps[track] * frame, 80, *SIZES[kind]
            x, y, w, h = np.array([x, y, w, h]) + rng.normal(0, 2, 4)
            if rng.random() > 1 / 12:
                numbers = x / WIDTH, y / HEIGHT, w / WIDTH, h / HEIGHT, rng.uniform(0.5, 1), track + 1
                lines.append(f"{kind} {' '.join(f'{number:.5g}' for number in numbers)}")
        if lines:  # Ultralytics writes no file for a frame without boxes
            (folder / f"video_{1 + 5 * frame}.txt").write_text("\n".join(lines))
    return str(action)


rng = np.random.default_rng(0)
actions = [write_labels(Path("labels") / f"{index:03d}", rng) for index in range(120)]
print(actions[0])
print(Path("labels/000/video_1.txt").read_text())

# %%
# Detections
# ----------
# ``sampled`` names the frames that the detector saw, so that frames without boxes count, and ``fps``
# gives the times.

import stgraph as sg

sampled = range(0, 5 * FRAMES, 5)
videos = [
    sg.Detections.from_yolo_text(folder, (HEIGHT, WIDTH), sampled=sampled, fps=25)
    for folder in sorted(Path("labels").iterdir())
]
first = videos[0]
print(f"{len(first.boxes)} boxes in {first.num_frames} frames, tracks {first.track.unique().tolist()}")

# %%
# Graphs
# ------
# ``temporal="track"`` links each box to the next sighting of its track, across frames in which the
# detector missed it.

builder = sg.VideoGraphBuilder("iou", "track")
graphs = [builder(video) for video in videos]
print(graphs[0])

# %%

from stgraph.inspection import draw_graph

names = ["person", "dog"]
meeting = actions.index("meet")
draw_graph(
    graphs[meeting],
    np.full((FRAMES, HEIGHT, WIDTH, 3), 225, np.uint8),
    label_names=names,
    title="A meeting; edges run along tracks",
)

# %%
# These are graphs for any code of PyTorch Geometric, its loaders included.

from torch_geometric.loader import DataLoader

print(next(iter(DataLoader(graphs, batch_size=16))))

# %%
# A classifier
# ------------
# A target is a word for a whole graph; it may also be one for each track, or for pairs of boxes
# (:doc:`/tracks`). The model embeds each box by its features, class and velocity, passes messages along
# the edges with a convolution of PyG, and reads the frames in their order.

for number, graph in enumerate(graphs):
    graph.video_id = f"{number:03d}"
pairs = list(zip(graphs, actions, strict=True))
data = sg.ClassificationDataModule(
    train=pairs[:60], val=pairs[60:80], test=pairs[80:], label_names=names, builder=builder, batch_size=20
)

# %%

import logging
import warnings
from functools import partial

import lightning
from torch.optim import Adam

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")
warnings.filterwarnings("ignore", "Sparse CSR|.*torch.jit.script")
lightning.seed_everything(0, verbose=False)
model = sg.GraphClassifier.for_data(
    data,
    conv="GATv2Conv",
    edge_attributes=["position", "velocity", "gap"],
    both_directions=True,
    pool="recurrent",
    object_pool="attention",
)
trained = sg.train_classifier(
    model,
    data,
    "runs/actions",
    optimizer=partial(Adam, lr=5e-3),
    max_epochs=20,
    enable_progress_bar=False,
    enable_model_summary=False,
)

# %%
# Is it any good?
# ---------------
# Of four actions, a guess is right one time in four. An interval says how far the accuracy might move
# with other test videos.

from stgraph.inspection import draw_confusion

found = trained.evaluate(data, "test")
low, high = found.intervals(by="items")["accuracy"]
print(
    f"accuracy {found.scores()['accuracy']:.2f}, 95 % interval {low:.2f} to {high:.2f}, {len(pairs) - 80} videos"
)
draw_confusion(found)

# %%
# The folder ``runs/actions`` is a model folder. It keeps the builder, so detections go in as well as
# graphs.

classify = sg.ClassificationPipeline.from_pretrained("runs/actions")
probabilities = classify(videos[80])
print(
    f"true: {actions[80]};",
    ", ".join(f"{action} {p:.2f}" for action, p in sorted(probabilities.items(), key=lambda x: -x[1])[:3]),
)
