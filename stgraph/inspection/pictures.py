"""Pictures of graphs over the frames they come from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from torch import Tensor

from stgraph.errors import OptionError, ShapeError
from stgraph.graph import EdgeKind, VideoGraph

__all__ = ["draw_graph"]

# Colours that stand out on photographs and carry black text.
_COLOURS = ("#4cc9f0", "#ffb703", "#80ed99", "#ff7b7b", "#c8a2ff", "#f7a8c4", "#f4f1a0", "#e09f5e", "#b0c4b1")
_MOST_FRAMES = 40
_PANEL, _GAP, _TITLE, _TOP, _FOOT, _CAPTION = 2.5, 0.3, 0.22, 0.4, 0.4, 0.11  # inches


def draw_graph(
    graph: VideoGraph,
    frames: np.ndarray | Tensor,
    path: str | Path | None = None,
    label_names: Sequence[str] | Mapping[int, str] | None = None,
    title: str | None = None,
) -> Figure:
    """Draws a graph over its frames: boxes, edges inside a frame, time edges to the next frame.

    A line is the thicker the more its edge weighs beside an even share of its row. As the cosine gives every
    pair some weight, only time edges above the even share are shown, and those to a frame's only object.
    Objects keep a colour by track where tracks are known, else by class.

    Args:
        graph: Graph of one video, its boxes in pixels of ``frames``.
        frames: The sampled frames, uint8 RGB.
        path: File to write, its kind told by its suffix (.png, .pdf, .svg); None writes none.
        label_names: Name of each class, by number.
        title: Line above all; None takes the video's name.

    Shapes: frames ``[T, H, W, 3]``.
    Raises: ShapeError: ``frames`` have other axes. OptionError: There are more than a page holds.
    """
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[0] != graph.num_frames or frames.shape[3] != 3:
        raise ShapeError(f"'frames' must be [T={graph.num_frames}, H, W, 3], got {list(frames.shape)}")
    if len(frames) > _MOST_FRAMES:
        raise OptionError(
            f"'frames' must be at most {_MOST_FRAMES} to fit a page, got {len(frames)}; sample fewer."
        )
    page = _Page(*frames.shape[:3])
    colours = _colours(graph)
    for t, (axes, frame) in enumerate(zip(page.axes, frames, strict=True)):
        nodes = (graph.frame == t).nonzero()[:, 0].tolist()
        axes.imshow(frame)
        axes.set_title(_frame_title(graph, t, nodes), fontsize=7, pad=2, loc="left", color="#444444")
        for i in nodes:
            _draw_box(axes, graph.box[i].tolist(), colours[i])
    inside, onward, left_out = _edges_shown(graph)
    centre = page.place(graph.frame, (graph.box[:, :2] + graph.box[:, 2:]) / 2)
    for i, j, strength in inside:
        page.line(centre[[i, j]], "white", 0.4 + 2.5 * strength, ":")
    for i, j, strength in onward:
        for piece in page.to_next_panel(int(graph.frame[i]), centre[i], centre[j]):
            page.line(piece, colours[i], 0.7 + 3 * strength, "-")
    page.dots(centre, colours)
    page.captions(
        graph.frame.tolist(),
        page.place(graph.frame, graph.box[:, :2]),
        _captions(graph, label_names),
        colours,
    )
    page.write(title if title is not None else graph.get("video_id", ""), _legend(graph, left_out))
    if path is not None:
        page.figure.savefig(path, dpi=150)
    return page.figure


class _Page:
    """A figure with one panel a frame, in rows, and where a frame's pixels lie on it."""

    def __init__(self, num_frames: int, frame_height: int, frame_width: int) -> None:
        self.columns = num_frames if num_frames <= 5 else min(math.ceil(num_frames / 2), 6)
        rows = math.ceil(num_frames / self.columns)
        self.scale = _PANEL / math.sqrt(frame_width * frame_height)  # inches a pixel: panels of one area
        width, height = self.scale * frame_width, self.scale * frame_height
        self.size = np.array(
            [
                _GAP + self.columns * (width + _GAP),
                _TOP + rows * (_TITLE + height) + (rows - 1) * _GAP / 3 + _FOOT,
            ]
        )
        self.figure = Figure(figsize=tuple(self.size))
        t = np.arange(num_frames)
        self.left = _GAP + t % self.columns * (width + _GAP)
        self.right = self.left + width
        self.top = self.size[1] - _TOP - _TITLE - t // self.columns * (_TITLE + height + _GAP / 3)
        corners = np.stack([self.left, self.top - height], axis=1) / self.size
        self.axes: list[Axes] = [
            self.figure.add_axes((*corner, *(width, height) / self.size)) for corner in corners
        ]
        for axes in self.axes:
            axes.set_axis_off()

    def place(self, frame: Tensor, point: Tensor) -> np.ndarray:
        """Pixels x, y of frames as shares of the page ``[N, 2]``."""
        t, pixels = frame.numpy(), point.numpy() * self.scale
        return np.stack([self.left[t] + pixels[:, 0], self.top[t] - pixels[:, 1]], axis=1) / self.size

    def to_next_panel(self, t: int, start: np.ndarray, end: np.ndarray) -> Iterator[np.ndarray]:
        """The line from panel t to the next; where that begins a new row, a piece out of one and into the other."""
        if (t + 1) % self.columns:
            yield np.stack([start, end])
        else:
            reach = 0.6 * _GAP / self.size[0]
            yield np.array([start, [1 - reach, start[1]]])
            yield np.array([[reach, end[1]], end])

    def line(self, points: np.ndarray, colour: str, width: float, style: str) -> None:
        """A line over all panels, edged in black so that it shows on any picture."""
        edge = withStroke(linewidth=width + 1.2, foreground="black", alpha=0.5)
        line = Line2D(
            *points.T, color=colour, linewidth=width, linestyle=style, alpha=0.9, path_effects=[edge]
        )
        self.figure.add_artist(line)

    def dots(self, points: np.ndarray, colours: list[str]) -> None:
        """The nodes."""
        for (x, y), colour in zip(points, colours, strict=True):
            self.figure.add_artist(
                Line2D([x], [y], marker="o", markersize=4, color=colour, markeredgecolor="black", zorder=3)
            )

    def captions(self, frame: list[int], corner: np.ndarray, texts: list[str], colours: list[str]) -> None:
        """A caption above each box's corner, or below those that are there already, inside its panel."""
        taken: list[tuple[float, float, float]] = []
        for t, (x, y), text, colour in zip(frame, corner * self.size, texts, colours, strict=True):
            width = 0.046 * len(text) + 0.04
            x = min(max(x, self.left[t]), self.right[t] - width)
            y = min(y + _CAPTION, self.top[t])
            while any(abs(y - y2) < _CAPTION and x < x2 + w2 and x2 < x + width for x2, y2, w2 in taken):
                y -= _CAPTION
            taken.append((x, y, width))
            self.figure.text(
                x / self.size[0], y / self.size[1], text, fontsize=5.5, va="top", ha="left", zorder=4,
                bbox={"boxstyle": "square,pad=0.12", "facecolor": colour, "edgecolor": "none", "alpha": 0.9},
            )  # fmt: skip

    def write(self, title: str, legend: str) -> None:
        """The line above all panels and the one below."""
        self.figure.text(0.5, 1 - 0.2 / self.size[1], title, ha="center", va="center", fontsize=10)
        self.figure.text(
            0.5, 0.2 / self.size[1], legend, ha="center", va="center", fontsize=7, color="#444444"
        )


def _edges_shown(graph: VideoGraph) -> tuple[list[tuple[int, int, float]], list[tuple[int, int, float]], int]:
    """Edges to draw inside frames and to the next frame, each with its strength 0..1, and how many are left out.

    Strength is what an edge has above half an even share of its row (inside a frame, where each object keeps a good
    part for itself) or above the whole (to the next frame).
    """
    inside, onward = [], []
    count = torch.bincount(graph.frame, minlength=graph.num_frames).tolist()
    frame = graph.frame.tolist()
    for (i, j), weight, kind in zip(
        graph.edge_index.T.tolist(), graph.edge_weight.tolist(), graph.edge_kind.tolist(), strict=True
    ):
        strength = weight * count[frame[j]]
        if frame[i] == frame[j] and i < j:
            inside.append((i, j, min(max(strength - 0.5, 0.0), 1.0)))
        elif (
            kind == EdgeKind.TIME and frame[j] == frame[i] + 1 and (strength > 1.0001 or count[frame[j]] == 1)
        ):
            onward.append((i, j, min(max(strength - 1, 0.0), 1.0)))
    is_far = (graph.frame[graph.edge_index[1]] - graph.frame[graph.edge_index[0]]).abs() > 0
    return inside, onward, int((is_far & (graph.edge_kind != EdgeKind.TIME)).sum())


def _colours(graph: VideoGraph) -> list[str]:
    """One for each track; for each class where no track is known."""
    known = "track" in graph and bool((graph.track >= 0).any())
    number = graph.track if known else graph.label
    return [_COLOURS[value % len(_COLOURS)] for value in number.tolist()]


def _captions(graph: VideoGraph, label_names: Sequence[str] | Mapping[int, str] | None) -> list[str]:
    names = dict(label_names.items() if isinstance(label_names, Mapping) else enumerate(label_names or ()))
    captions = []
    for label, score in zip(graph.label.tolist(), graph.score.tolist(), strict=True):
        name = names.get(label, str(label) if label >= 0 else "")
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
    parts = ["Dotted: edges inside a frame."]
    if bool((graph.edge_kind == EdgeKind.TIME).any()):
        parts.append("Solid: time edges above an even share of the next frame, or to its only object.")
    parts.append("Width: weight beside an even share.")
    if left_out:
        parts.append(f"{left_out:,} further edges between frames are not drawn.")
    return " ".join(parts)
