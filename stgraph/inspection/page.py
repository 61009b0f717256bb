"""A figure with one panel per video frame, and drawing across panels."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.patheffects import withStroke
from torch import Tensor

from stgraph.drawing import ink_on, literal

__all__ = ["FramePage"]

_PANEL, _GAP, _TITLE, _TOP, _FOOT, _CAPTION = 2.5, 0.3, 0.22, 0.4, 0.4, 0.11  # inches
_LINE, _SMALL_LINE = 0.18, 0.13  # heights of each further line of the title and of the legend
_LETTER, _SMALL_LETTER = 0.085, 0.058  # mean widths of a letter of the title and of the legend


class FramePage:
    """A figure with one panel per frame, arranged in rows, that maps pixels of frames to positions on the page.

    Args:
        num_frames: Number of panels.
        frame_height: Height of a frame in pixels.
        frame_width: Width of a frame in pixels.
        title: Text above the panels; its lines are wrapped to the width of the page.
        legend: Text below the panels, wrapped in the same way.
    """

    def __init__(
        self, num_frames: int, frame_height: int, frame_width: int, title: str = "", legend: str = ""
    ) -> None:
        self.columns = num_frames if num_frames <= 5 else min(math.ceil(num_frames / 2), 6)
        rows = math.ceil(num_frames / self.columns)
        self.scale = _PANEL / math.sqrt(
            frame_width * frame_height
        )  # inches per pixel; all panels have the same area
        width, height = self.scale * frame_width, self.scale * frame_height
        page_width = _GAP + self.columns * (width + _GAP)
        self.title = _wrapped(title, page_width / _LETTER)
        self.legend = _wrapped(legend, page_width / _SMALL_LETTER)
        above = _TOP + self.title.count("\n") * _LINE
        below = _FOOT + self.legend.count("\n") * _SMALL_LINE
        self.size = np.array(
            [
                page_width,
                above + rows * (_TITLE + height) + (rows - 1) * _GAP / 3 + below,
            ]
        )
        self.figure = Figure(figsize=tuple(self.size))
        self.panel = np.array([width, height])
        t = np.arange(num_frames)
        self.left = _GAP + t % self.columns * (width + _GAP)
        self.right = self.left + width
        self.top = self.size[1] - above - _TITLE - t // self.columns * (_TITLE + height + _GAP / 3)
        corners = np.stack([self.left, self.top - height], axis=1) / self.size
        self.axes: list[Axes] = [
            self.figure.add_axes((*corner, *(width, height) / self.size)) for corner in corners
        ]
        self.taken: list[tuple[float, float, float]] = []  # left, top and width of each caption, in inches

    def place(self, frame: Tensor, point: Tensor) -> np.ndarray:
        """Converts pixels x, y of frames to figure coordinates in 0..1, ``[N, 2]``, inside the panel of their frame."""
        t, pixels = frame.numpy(), point.numpy() * self.scale
        pixels = pixels.clip(0, self.panel)
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

    def arrow(self, points: np.ndarray, colour: str, width: float) -> None:
        """Draws the head of an arrow just before the end of a line."""
        start, end = points * self.size  # in inches, in which angles are those on the page
        length = float(np.hypot(*(end - start)))
        if length < 0.08:
            return  # no room between the two nodes
        along = (end - start) / length
        across, size = np.array([-along[1], along[0]]), 0.042 + 0.01 * width
        tip = end - 0.04 * along
        corners = [tip, tip - 1.6 * size * along + size * across, tip - 1.6 * size * along - size * across]
        self.figure.add_artist(
            Polygon(
                np.stack(corners) / self.size, closed=True, facecolor=colour, edgecolor="black", linewidth=0.5,
                transform=self.figure.transFigure, zorder=2.5,
            )
        )  # fmt: skip

    def dot(self, point: np.ndarray, colour: str) -> None:
        """Draws a node."""
        x, y = point
        self.figure.add_artist(
            Line2D([x], [y], marker="o", markersize=4, color=colour, markeredgecolor="black", zorder=3)
        )

    def caption(self, t: int, corner: np.ndarray, text: str, colour: str) -> None:
        """Writes a caption above the corner of a box, inside its panel, moved down to avoid earlier captions.

        A caption that is wider than its panel is cut, and one that finds no room in it is left out.
        """
        room = self.right[t] - self.left[t]
        if 0.046 * len(text) + 0.04 > room:  # the class of a long name matters more than its score
            text = f"{text[: max(int(room / 0.046) - 4, 1)]}..."
        width = 0.046 * len(text) + 0.04
        x, y = corner * self.size
        x = max(min(x, self.right[t] - width), self.left[t])
        y = min(y + _CAPTION, self.top[t])
        while any(abs(y - y2) < _CAPTION and x < x2 + w2 and x2 < x + width for x2, y2, w2 in self.taken):
            y -= _CAPTION
        if y - _CAPTION < self.top[t] - self.panel[1]:
            return
        self.taken.append((x, y, width))
        self.figure.text(
            x / self.size[0], y / self.size[1], literal(text), fontsize=5.5, va="top", ha="left", zorder=4,
            color=ink_on(colour),
            bbox={"boxstyle": "square,pad=0.12", "facecolor": colour, "edgecolor": "none", "alpha": 0.9},
        )  # fmt: skip

    def write(self) -> None:
        """Writes the title above the panels and the legend below them."""
        self.figure.text(0.5, 1 - 0.12 / self.size[1], self.title, ha="center", va="top", fontsize=10)
        self.figure.text(
            0.5, 0.1 / self.size[1], self.legend, ha="center", va="bottom", fontsize=7, color="#444444"
        )


def _wrapped(text: str, letters: float) -> str:
    """Wraps each line to a number of letters; what is drawn is the text as it is."""
    lines = [
        part for line in text.split("\n") for part in textwrap.wrap(line, max(int(letters), 8)) or [line]
    ]
    return "\n".join(literal(line, 10_000) for line in lines)
