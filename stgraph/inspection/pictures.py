"""Draws graphs over their video frames."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from torch import Tensor

from stgraph.errors import OptionError, ShapeError
from stgraph.files import save_figure
from stgraph.graph import EdgeKind, VideoGraph
from stgraph.inspection.page import FramePage

__all__ = ["draw_graph"]

# Colours that stand out on photographs and carry black text.
_COLOURS = ("#4cc9f0", "#ffb703", "#80ed99", "#ff7b7b", "#c8a2ff", "#f7a8c4", "#f4f1a0", "#e09f5e", "#b0c4b1")
_MOST_FRAMES = 40
_Strength = dict[tuple[int, int], float]  # strength of each edge, 0..1


def draw_graph(
    graph: VideoGraph,
    frames: np.ndarray | Tensor,
    path: str | Path | None = None,
    label_names: Sequence[str] | Mapping[int, str] | None = None,
    title: str | None = None,
) -> Figure:
    """Draws a graph over its frames: boxes, edges within a frame, and time edges to the next frame.

    Arrows point along the edges, from row i of the paper's matrix to row j; a line within a frame has none where both
    directions are edges. Lines are thicker the larger their edge's weight compared with the mean weight of its row. As the
    cosine rule gives every pair some weight, only time edges above the mean, or to the only object of a frame, are shown.
    Objects are coloured by track if tracks are known, else by class, in the order in which tracks or classes appear.

    Args:
        graph: Graph of one video, its boxes in pixels of ``frames``.
        frames: The sampled frames, uint8 RGB.
        path: File to write, in the format of its suffix (.png, .pdf, .svg); None writes no file.
        label_names: Name of each class, by number.
        title: Title of the figure; defaults to the video's name.

    Returns:
        The figure.

    Shapes: frames ``[T, H, W, 3]``.

    Raises:
        ShapeError: If ``frames`` have other axes.
        OptionError: If there are more of them than fit on a page.
    """
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[0] != graph.num_frames or frames.shape[3] != 3:
        raise ShapeError(f"'frames' must be [T={graph.num_frames}, H, W, 3], got {list(frames.shape)}")
    if len(frames) > _MOST_FRAMES:
        raise OptionError(
            f"'frames' must be at most {_MOST_FRAMES} to fit a page, got {len(frames)}; sample fewer."
        )
    title = title if title is not None else graph.get("video_id", "")
    count, height, width, _ = frames.shape
    present = graph.box[:, 2] > graph.box[:, 0]  # padding has no box to draw
    inside, onward, left_out = _edges_shown(graph, present.tolist())
    page = FramePage(count, height, width, title, _legend(graph, left_out))
    colours, captions = _colours(graph, present.tolist()), _captions(graph, label_names)
    for t, (axes, frame) in enumerate(zip(page.axes, frames, strict=True)):
        nodes = ((graph.frame == t) & present).nonzero()[:, 0].tolist()
        axes.imshow(frame, extent=(0, frame.shape[1], frame.shape[0], 0))  # pixel (0, 0) spans 0..1
        axes.set_title(_frame_title(graph, t, nodes), fontsize=7, pad=2, loc="left", color="#444444")
        for i in nodes:
            _draw_box(axes, graph.box[i].tolist(), colours[i])
    centre = page.place(graph.frame, (graph.box[:, :2] + graph.box[:, 2:]) / 2)
    for (i, j), strength in inside.items():
        if (j, i) in inside and j < i:
            continue  # drawn with (j, i)
        width = 0.4 + 2.5 * max(strength, inside.get((j, i), 0.0))
        page.line(centre[[i, j]], "white", width, ":")
        if (j, i) not in inside:
            page.arrow(centre[[i, j]], "white", width)
    for (i, j), strength in onward.items():
        pieces = list(page.to_next_panel(int(graph.frame[i]), centre[i], centre[j]))
        for piece in pieces:
            page.line(piece, colours[i], 0.7 + 3 * strength, "-")
        page.arrow(pieces[-1], colours[i], 0.7 + 3 * strength)
    corner, frame_of = page.place(graph.frame, graph.box[:, :2]), graph.frame.tolist()
    for i in present.nonzero()[:, 0].tolist():
        page.dot(centre[i], colours[i])
        page.caption(frame_of[i], corner[i], captions[i], colours[i])
    page.write()
    if path is not None:
        save_figure(page.figure, path, dpi=150)
    return page.figure


def _edges_shown(graph: VideoGraph, present: list[bool]) -> tuple[_Strength, _Strength, int]:
    """Edges to draw within frames and to the next frame with their strength in 0..1, and the number of omitted edges.

    The strength is the excess of an edge's weight, relative to the mean of its row, over 1; within a frame, where
    self-loops take a large part of the weight, over 0.5.
    """
    inside: _Strength = {}
    onward: _Strength = {}
    left_out = 0
    row = graph.edge_index[0] * (max(EdgeKind) + 1) + graph.edge_kind  # edges of one node by one rule
    total, number = torch.bincount(row, graph.edge_weight)[row], torch.bincount(row)[row]
    share = (graph.edge_weight * number / total.clamp(min=1e-12)).tolist()
    is_only, frame, kinds = (number == 1).tolist(), graph.frame.tolist(), graph.edge_kind.tolist()
    for e, (i, j) in enumerate(graph.edge_index.T.tolist()):
        if i == j or not (present[i] and present[j]):
            continue
        if frame[i] == frame[j]:
            inside[i, j] = min(max(share[e] - 0.5, 0.0), 1.0)
        elif kinds[e] != EdgeKind.TIME or frame[j] != frame[i] + 1:
            left_out += 1
        elif share[e] > 1.0001 or is_only[e]:
            onward[i, j] = min(max(share[e] - 1, 0.0), 1.0)
    return inside, onward, left_out


def _colours(graph: VideoGraph, present: list[bool]) -> list[str]:
    """Colour of each node by its track, or by its class if no track is known, in the order of appearance."""
    known = "track" in graph and bool((graph.track >= 0).any())
    numbers = (graph.track if known else graph.label).tolist()
    order = list(dict.fromkeys(number for number, drawn in zip(numbers, present, strict=True) if drawn))
    colour_of = {number: _COLOURS[place % len(_COLOURS)] for place, number in enumerate(order)}
    return [colour_of.get(number, _COLOURS[0]) for number in numbers]


def _captions(graph: VideoGraph, label_names: Sequence[str] | Mapping[int, str] | None) -> list[str]:
    names = dict(label_names.items() if isinstance(label_names, Mapping) else enumerate(label_names or ()))
    captions = []
    for label, score in zip(graph.label.tolist(), graph.score.tolist(), strict=True):
        name = names.get(label, f"class {label}" if label >= 0 else "")
        captions.append(f"{name} {score:.2f}".strip())
    return captions


def _frame_title(graph: VideoGraph, t: int, nodes: list[int]) -> str:
    seconds = float(graph.time[nodes[0]]) if nodes and "time" in graph else math.nan
    title = f"frame {t}" if math.isnan(seconds) else f"frame {t} ({seconds:.1f} s)"
    return title if nodes else f"{title}: no objects"


def _draw_box(axes: Axes, box: list[float], colour: str) -> None:
    x1, y1, x2, y2 = box
    edge = withStroke(linewidth=2.6, foreground="black", alpha=0.5)
    corner, width, height = (x1, y1), x2 - x1, y2 - y1
    axes.add_patch(
        Rectangle(corner, width, height, fill=False, edgecolor=colour, linewidth=1.4, path_effects=[edge])
    )


def _legend(graph: VideoGraph, left_out: int) -> str:
    parts = ["Dotted lines link objects of one frame"]
    if bool((graph.edge_kind == EdgeKind.TIME).any()):
        parts[0] += "; solid arrows link an object to the next frame"
    parts[0] += "; thicker means a larger weight."
    if left_out:
        parts.append(f"{left_out:,} further edges between frames are not drawn.")
    return " ".join(parts)
