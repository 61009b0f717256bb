"""Draws graphs over their video frames."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from torch import Tensor

from stgraph.checking import checked
from stgraph.drawing import show_frame
from stgraph.errors import OptionError
from stgraph.files import save_figure
from stgraph.graph import EdgeKind, VideoGraph
from stgraph.inspection.frames import shown_frames
from stgraph.inspection.graph_parts import (
    DrawnEdges,
    LabelNames,
    drawn_edges,
    extent_of,
    node_colours,
    node_names,
)
from stgraph.inspection.page import FramePage

__all__ = ["draw_graph"]

_MOST_FRAMES = 40


@checked
def draw_graph(
    graph: VideoGraph,
    frames: np.ndarray | Tensor | None,
    path: str | Path | None = None,
    label_names: LabelNames = None,
    title: str | None = None,
    *,
    size: tuple[int, int] | None = None,
) -> Figure:
    """Draws a graph over its frames: boxes, edges within a frame, and time edges to the next frame.

    Arrows point along the edges, from row i of the paper's matrix to row j; a line within a frame has none where both
    directions are edges. Lines are thicker the larger their edge's weight compared with the mean weight of its row. As the
    cosine rule gives every pair some weight, only time edges above the mean, or to the only object of a frame, are shown. Of
    many edges the strongest 60 of each frame are drawn, and the picture says how many are not.
    Objects are coloured by track if tracks are known, else by class, in the order in which tracks or classes appear.

    Args:
        graph: Graph of one video, its boxes in pixels of ``frames``.
        frames: The sampled frames, uint8 RGB; None draws boxes and edges on empty frames.
        path: File to write, in the format of its suffix (.png, .pdf, .svg); None writes no file.
        label_names: Name of each class, by number.
        title: Title of the figure; defaults to the video's name.
        size: Height and width of empty frames in pixels; by default they reach to the farthest box.

    Returns:
        The figure.

    Shapes: frames ``[T, H, W, 3]``.

    Raises:
        ShapeError: If ``frames`` have other axes.
        OptionError: If there are more of them than fit on a page.
    """
    count = int(graph.num_frames)
    if frames is not None:
        frames = shown_frames(frames, count)
    if count > _MOST_FRAMES:
        raise OptionError(
            f"'frames' must be at most {_MOST_FRAMES} to fit a page, got {count}; sample fewer."
        )
    title = title if title is not None else graph.get("video_id", "")
    height, width = extent_of(graph, size) if frames is None else frames.shape[1:3]
    present = graph.box[:, 2] > graph.box[:, 0]  # padding has no box to draw
    edges = drawn_edges(graph, present.tolist())
    inside, onward = edges.inside, edges.onward
    page = FramePage(count, height, width, title, _legend(graph, edges))
    colours, captions = node_colours(graph, present.tolist()), _captions(graph, label_names)
    for t, axes in enumerate(page.axes):
        nodes = ((graph.frame == t) & present).nonzero()[:, 0].tolist()
        show_frame(axes, None if frames is None else frames[t], height, width)
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


def _captions(graph: VideoGraph, label_names: LabelNames) -> list[str]:
    named = zip(node_names(graph, label_names), graph.score.tolist(), strict=True)
    return [f"{name} {score:.2f}".strip() for name, score in named]


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


def _legend(graph: VideoGraph, edges: DrawnEdges) -> str:
    parts = ["Dotted lines link objects of one frame"]
    if bool((graph.edge_kind == EdgeKind.TIME).any()):
        parts[0] += "; solid arrows link an object to the next frame"
    parts[0] += "; thicker means a larger weight."
    if edges.distant:
        parts.append(f"{edges.distant:,} further edges between frames are not drawn.")
    if edges.faint:
        parts.append(f"{edges.faint:,} weaker edges are not drawn.")
    return " ".join(parts)
