"""
Long videos
===========

An hour of video has more frames and boxes than a program should hold at once. This tutorial streams
detections into a graph of thousands of frames, measures how it grows, and shows what to do with files
that take hours.
"""

# %%
# Detections as a stream
# ----------------------
# Detectors yield one result per frame. ``Detections.from_ultralytics`` takes the stream itself, so that
# no list of results, with its pictures, is held in memory. Here is a stand-in for
# ``model.track("cat.mp4", stream=True)``: four objects over 3,000 frames.

from types import SimpleNamespace

import torch

import stgraph as sg


def results(num_frames, objects=4):
    """Yields what Ultralytics yields: boxes of a frame with confidences, classes and tracks."""
    draw = torch.Generator().manual_seed(0)
    place = torch.rand(objects, 2, generator=draw) * 400
    for _ in range(num_frames):
        place = (place + torch.randn(objects, 2, generator=draw)).clamp(0, 400)
        boxes = SimpleNamespace(
            xyxy=torch.cat([place, place + 60], 1),
            conf=torch.full((objects,), 0.9),
            cls=torch.zeros(objects),
            id=torch.arange(1.0, objects + 1),
        )
        yield SimpleNamespace(
            boxes=boxes, keypoints=None, masks=None, orig_shape=(480, 480), names={0: "cat"}
        )


detections = sg.Detections.from_ultralytics(results(3000), sampled=range(3000), fps=25)
graph = sg.VideoGraphBuilder("iou", "track")(detections)
print(graph)

# %%
# How a graph grows
# -----------------
# Objects are linked within their frame and to the next one, so edges grow with the number of frames T,
# not with its square. The matrix with an entry for each pair of boxes, which much code allocates on the
# way, is never made.


def megabytes(graph):
    """Size of all tensors of a graph."""
    return sum(value.numel() * value.element_size() for _, value in graph if torch.is_tensor(value)) / 1e6


lengths = (30, 100, 300, 1000, 3000)
sparse, full = [], []
for num_frames in lengths:
    first = detections.select((detections.frame < num_frames).nonzero()[:, 0])
    built = sg.VideoGraphBuilder("iou", "track")(first)
    sparse.append(megabytes(built))
    full.append(4 * built.num_nodes**2 / 1e6)  # a matrix of float32
    print(
        f"{num_frames:5d} frames: {built.num_edges:6d} edges, {sparse[-1]:6.2f} MB; N x N matrix {full[-1]:8.2f} MB"
    )

# %%

import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(5.5, 2.8), layout="constrained")
axes.loglog(lengths, full, marker="o", label="N x N matrix")
axes.loglog(lengths, sparse, marker="o", label="graph")
axes.set_xlabel("frames, with four boxes each")
axes.set_ylabel("MB")
axes.legend()
figure

# %%
# A look at a part of it
# ----------------------
# A page shows 60 frames of a long video and says so; ``start`` says which ones.

from pathlib import Path

from stgraph.inspection import write_page

write_page("long.html", graph, label_names=["cat"], title="Frames 1500 to 1559 of 3,000", start=1500)
Path("long.html")

# %%
# Fewer frames
# ------------
# The papers sample 10 to 28 frames of a video, whatever its length. A store keeps the frames that it was
# given, and a model reads as many as it was trained on: ``CaptionDataModule.from_store(...,
# num_frames=10)``.

from stgraph.video import spread_frames

print(spread_frames(90_000, 10))  # an hour at 25 frames per second

# %%
# Hours of files
# --------------
# ``stgraph extract FOLDER features.h5`` decodes one file after the other in threads, and holds a few
# frames at a time:
#
# - its memory hardly depends on the length of a file (:doc:`/limits` has measured values, up to 8K video);
# - it can be killed at any time, and the same command goes on with the videos that the store lacks;
# - ``--shard 3/8`` takes the third of eight parts of the videos, and ``stgraph store merge`` joins the stores;
# - a store of any size is read video by video, each a slice of the file, so training needs no more memory for more videos.
#
# One file is not split over machines: cut an hour into scenes first, which also is what captions are
# about.
