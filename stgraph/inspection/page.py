"""A figure with one panel per video frame, and drawing across panels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from torch import Tensor

__all__ = ["FramePage"]

_PANEL, _GAP, _TITLE, _TOP, _FOOT, _CAPTION = 2.5, 0.3, 0.22, 0.4, 0.4, 0.11  # inches
_LINE = 0.18  # height of each further line of the title


class FramePage:
    """A figure with one panel per frame, arranged in rows, that maps pixels of frames to positions on the page."""

    def __init__(self, num_frames: int, frame_height: int, frame_width: int, title_lines: int = 1) -> None:
        above = _TOP + (title_lines - 1) * _LINE
        self.columns = num_frames if num_frames <= 5 else min(math.ceil(num_frames / 2), 6)
        rows = math.ceil(num_frames / self.columns)
        self.scale = _PANEL / math.sqrt(
            frame_width * frame_height
        )  # inches per pixel; all panels have the same area
        width, height = self.scale * frame_width, self.scale * frame_height
        self.size = np.array(
            [
                _GAP + self.columns * (width + _GAP),
                above + rows * (_TITLE + height) + (rows - 1) * _GAP / 3 + _FOOT,
            ]
        )
        self.figure = Figure(figsize=tuple(self.size))
        t = np.arange(num_frames)
        self.left = _GAP + t % self.columns * (width + _GAP)
        self.right = self.left + width
        self.top = self.size[1] - above - _TITLE - t // self.columns * (_TITLE + height + _GAP / 3)
        corners = np.stack([self.left, self.top - height], axis=1) / self.size
        self.axes: list[Axes] = [
            self.figure.add_axes((*corner, *(width, height) / self.size)) for corner in corners
        ]
        for axes in self.axes:
            axes.set_axis_off()
        self.taken: list[tuple[float, float, float]] = []  # left, top and width of each caption, in inches

    def place(self, frame: Tensor, point: Tensor) -> np.ndarray:
        """Converts pixels x, y of frames to figure coordinates in 0..1, ``[N, 2]``."""
        t, pixels = frame.numpy(), point.numpy() * self.scale
        return np.stack([self.left[t] + pixels[:, 0], self.top[t] - pixels[:, 1]], axis=1) / self.size

    def to_next_panel(self, t: int, start: np.ndarray, end: np.ndarray) -> Iterator[np.ndarray]:
        """Segments of the line from panel t to the next; a line to a new row is split at the margins."""
        if (t + 1) % self.columns:
            yield np.stack([start, end])
        else:
            reach = 0.6 * _GAP / self.size[0]
            yield np.array([start, [1 - reach, start[1]]])
            yield np.array([[reach, end[1]], end])

    def line(self, points: np.ndarray, colour: str, width: float, style: Literal["-", ":"]) -> None:
        """Draws a line across panels, outlined in black so that it is visible on any frame."""
        edge = withStroke(linewidth=width + 1.2, foreground="black", alpha=0.5)
        line = Line2D(
            *points.T, color=colour, linewidth=width, linestyle=style, alpha=0.9, path_effects=[edge]
        )
        self.figure.add_artist(line)

    def dot(self, point: np.ndarray, colour: str) -> None:
        """Draws a node."""
        x, y = point
        self.figure.add_artist(
            Line2D([x], [y], marker="o", markersize=4, color=colour, markeredgecolor="black", zorder=3)
        )

    def caption(self, t: int, corner: np.ndarray, text: str, colour: str) -> None:
        """Writes a caption above the corner of a box, inside its panel, moved down to avoid earlier captions."""
        width = 0.046 * len(text) + 0.04
        x, y = corner * self.size
        x = min(max(x, self.left[t]), self.right[t] - width)
        y = min(y + _CAPTION, self.top[t])
        while any(abs(y - y2) < _CAPTION and x < x2 + w2 and x2 < x + width for x2, y2, w2 in self.taken):
            y -= _CAPTION
        self.taken.append((x, y, width))
        self.figure.text(
            x / self.size[0], y / self.size[1], text, fontsize=5.5, va="top", ha="left", zorder=4,
            bbox={"boxstyle": "square,pad=0.12", "facecolor": colour, "edgecolor": "none", "alpha": 0.9},
        )  # fmt: skip

    def write(self, title: str, legend: str) -> None:
        """Writes the title above the panels and the legend below them."""
        self.figure.text(0.5, 1 - 0.12 / self.size[1], title, ha="center", va="top", fontsize=10)
        self.figure.text(
            0.5, 0.2 / self.size[1], legend, ha="center", va="center", fontsize=7, color="#444444"
        )
