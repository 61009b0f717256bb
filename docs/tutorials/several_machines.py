"""
Several machines
================

Extraction and tables of runs can be spread over machines that share a folder, without a server. This
tutorial lets two processes play the two machines.
"""

# %%
# Extraction in shards
# --------------------
# Eight small videos stand for a collection. Each machine takes a part by ``--shard``, and writes a store
# of its own. The parts are equal and do not overlap, whoever starts first.

import subprocess
import sys
from pathlib import Path

from stgraph.datasets.interactions import FPS, render_video, video_id
from stgraph.video import write_video

Path("collection").mkdir()
for index in range(8):
    write_video(f"collection/clip{index}.mp4", render_video(video_id(2, index)), FPS)


def stgraph(*arguments):
    """Starts a command, as a shell does."""
    command = [sys.executable, "-W", "ignore", "-m", "stgraph", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


SETTINGS = [  # random weights, so that nothing is downloaded; and appearance alone, so that it is quick
    "appearance=resnet18",
    "appearance.weights=random",
    "motion=none",
    "objects=none",
    "frames.number=4",
]
machines = [
    stgraph("extract", "collection", f"part{number}.h5", "--shard", f"{number}/2", *SETTINGS)
    for number in (1, 2)
]
for machine in machines:
    output, _ = machine.communicate()
    if machine.returncode:
        raise SystemExit(output)

# %%
# In SLURM this is an array of jobs, ``--array=1-8`` with ``--shard $SLURM_ARRAY_TASK_ID/8``. A job that
# was killed is started again with the same command and continues.
#
# The parts are joined by ``stgraph store merge``, or in Python:

from stgraph.features.store import FeatureStore, info, merge, validate

parts = ["part1.h5", "part2.h5"]
for part in parts:
    print(part, FeatureStore(part).ids)
merge(parts, "joined.h5")
print(info("joined.h5"))
print("problems:", validate("joined.h5"))

# %%
# Features do not depend on the machine that made them or on the other videos of its part: extractors are
# recorded with the hash of their weights, and stores of different extractors cannot be joined. As a
# picture, the first 64 values of each video:

import matplotlib.pyplot as plt
import torch

store = FeatureStore("joined.h5")
rows = torch.stack([store[name].appearance.mean(0)[:64] for name in store.ids])
of = {name: part for part in parts for name in FeatureStore(part).ids}
figure, axes = plt.subplots(figsize=(6.5, 2.6), layout="constrained")
axes.imshow(rows, aspect="auto", cmap="viridis")
axes.set_yticks(range(len(store.ids)), [f"{name} ({of[name]})" for name in store.ids])
axes.set_xlabel("channel")
figure

# %%
# A table of runs
# ---------------
# Every run of a table is a file in the results folder, written whole or not at all. Machines that share
# the folder take different seeds or rows, and the last command finds all cells finished and only writes
# the tables:
#
# .. code-block:: text
#
#     machine 1$ stgraph ablate table=stgkd seeds=[0,1] results=/shared/results runs=/shared/runs
#     machine 2$ stgraph ablate table=stgkd seeds=[2,3,4] results=/shared/results runs=/shared/runs
#     machine 1$ stgraph ablate table=stgkd seeds=5 results=/shared/results runs=/shared/runs
#
# A single run on several machines is Lightning's business, and takes ``trainer.num_nodes=4
# trainer.devices=8 trainer.strategy=ddp``; its batches are those of one device (:doc:`/training`). Ray
# spreads an extraction over a cluster by ``engine=ray`` (:doc:`/extraction`).
