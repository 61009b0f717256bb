"""
Boxes to GraphML, and a picture
===============================

You have the boxes of some objects, frame by frame. This tutorial links them to a graph, writes the graph
for Gephi, Cytoscape or yEd, and draws it.
"""

# %%
# Boxes
# -----
# :class:`~stgraph.Detections` holds the boxes of one video: corners in pixels, a score, an appearance
# vector, and the position of the frame among the frames that you sampled. Here are a person who walks up
# to a dog that stands still, in three frames.

import stgraph as sg

detections = sg.Detections(
    boxes=[
        [10, 20, 40, 110], [95, 70, 145, 110],
        [35, 20, 65, 110], [95, 70, 145, 110],
        [70, 20, 105, 110], [95, 70, 145, 110],
    ],
    scores=[0.9, 0.8, 0.9, 0.7, 0.8, 0.8],
    features=[[1.0, 0.1], [0.0, 1.0], [0.9, 0.1], [0.1, 1.0], [0.9, 0.2], [0.1, 0.9]],
    labels=[0, 16, 0, 16, 0, 16],
    frame=[0, 0, 1, 1, 2, 2],
    num_frames=3,
    size=(120, 160),  # height, width
)  # fmt: skip
names = {0: "person", 16: "dog"}

# %%
# Boxes without appearance vectors are fine, too: leave ``features`` out and call
# ``Detections.from_raw``, which describes each box by its place and size. Readers of YOLO text, MOT
# files, COCO results, Ultralytics, supervision and torchvision are in :mod:`stgraph.features.adapters`.
#
# The graph
# ---------

graph = sg.VideoGraphBuilder()(detections)
print(graph)

# %%
# The graph is a ``torch_geometric.data.Data``. Within a frame, an edge weighs the softmax of the overlap
# of its boxes; from a frame to the next, the softmax of the cosine of their appearance vectors. The
# paper's matrix has row 0 of ``edge_index`` as its row and row 1 as its column, and each row of it sums
# to 1 for each kind of edge.

for (i, j), weight, kind in zip(graph.edge_index.T.tolist(), graph.edge_weight, graph.edge_kind, strict=True):
    if i == 2:
        print(f"box {i} -> box {j}: {sg.EdgeKind(int(kind)).name:5s} {weight:.2f}")

# %%
# Files for other programs
# ------------------------
# With ``label_names``, the names of the classes are written beside their numbers.

graph.save("dog.graphml", label_names=names)  # or .gexf, .json, .pt

with open("dog.graphml", encoding="utf-8") as file:
    print("\n".join(line[:110] for line in file.read().splitlines()[18:27]))

# %%
# Nothing is lost on the way: what a program cannot hold as plain values (appearance vectors) is in one
# attribute of the graph.

again = sg.VideoGraph.load("dog.graphml")
print((again.x == graph.x).all().item(), (again.edge_weight == graph.edge_weight).all().item())

# %%
# NetworkX has the same nodes and edges, with plain numbers and words as attributes.

import networkx

directed = graph.to_networkx(names)
print(directed.nodes[2])
print(networkx.pagerank(directed, weight="weight"))

# %%
# A picture
# ---------
# Frames are pictures of the video; grey ones do, if you have none. Lines are thicker the larger their
# weight.

import numpy as np

from stgraph.inspection import draw_graph

frames = np.full((3, 120, 160, 3), 225, np.uint8)
draw_graph(graph, frames, "dog.svg", label_names=names, title="A person walks up to a dog")

# %%
# A page to explore
# -----------------
# The page is one file without any reference to the network. Move the slider to hide weak edges, choose a
# box to see its edges, and drag the graph.

from pathlib import Path

from stgraph.inspection import write_page

write_page("dog.html", graph, frames, label_names=names, title="A person walks up to a dog")
Path("dog.html")

# %%
# Where next
# ----------
# Other rules for edges, such as edges along tracks, are in :doc:`/graph`; a rule of your own takes ten
# lines. From here to a classifier of such graphs it is one tutorial:
# :doc:`/notebooks/tracks_to_classifier`.
