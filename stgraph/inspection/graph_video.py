"""Writes a video with a graph drawn over it: boxes, tracks and edges."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise, repeat
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageColor, ImageDraw, ImageFont
from torch import Tensor

from stgraph.checking import checked
from stgraph.drawing import ink_on
from stgraph.errors import ShapeError, shown
from stgraph.graph import VideoGraph
from stgraph.graph.consistency import check_graph
from stgraph.inspection.frames import shown_frames
from stgraph.inspection.graph_parts import LabelNames, drawn_edges, extent_of, node_colours, node_names
from stgraph.typing import RealTensor, check_shape
from stgraph.video.writer import write_video

__all__ = ["write_graph_video"]

_SHORT_SIDE = 480  # smaller frames are enlarged, so that names can be read
_RATE = 10.0  # frames per second at least; a sampled frame is repeated until the next one
_TRAIL = 12  # sampled frames over which a track is drawn
Point = tuple[float, float]
Box = tuple[float, float, float, float]


@checked
def write_graph_video(
    path: str | Path,
    graph: VideoGraph,
    frames: np.ndarray | Tensor | Iterable[np.ndarray] | None,
    *,
    time: RealTensor | None = None,
    label_names: LabelNames = None,
    size: tuple[int, int] | None = None,
) -> Path:
    """Writes the frames of a graph as a video, with its boxes, tracks and edges drawn over them.

    Only frames of the graph are shown, each until the time of the next one, so boxes always are those of the picture; for
    the whole video, build a graph of all its frames. White lines link objects of a frame; arrows come from the place of an
    object in the frame before. Which edges are drawn is chosen as in :func:`draw_graph`; a line in the picture says how many
    are not. Names stand where they fit. A track, if known, leaves a trail over its last twelve sightings.

    Args:
        path: File to write, such as ``cat.mp4``.
        graph: Graph of one video, its boxes in pixels of ``frames``.
        frames: The sampled frames, uint8 RGB, as an array or one by one; None draws on empty frames.
        time: Seconds of each frame; without it, or where it is NaN or infinite, two frames are shown per second.
        label_names: Name of each class, by number.
        size: Height and width of empty frames in pixels; by default they reach to the farthest box.

    Returns:
        The path.

    Shapes: frames ``[T, H, W, 3]`` or T times ``[H, W, 3]``, time ``[T]``.

    Raises:
        ShapeError: If there are more or fewer than T frames or times, or a frame has other axes.
        DataError: If the graph is a batch or inconsistent, has no frames, or the file's ending names no container.
        WriteError: If the file cannot be written.
    """
    check_graph(graph)
    count = int(graph.num_frames)
    if time is not None:
        check_shape("time", time, "T", T=count)
        time = time.double()
    if isinstance(frames, Tensor):
        frames = shown_frames(frames, count)
    if frames is None:
        frames = repeat(np.full((*extent_of(graph, size), 3), 40, dtype=np.uint8), count)
    repeats, fps = _timing(time, count)
    painter = _Painter(graph, label_names, time)

    def pictures() -> Iterator[np.ndarray]:
        t = -1
        for t, frame in enumerate(frames):
            if t >= count:
                break
            picture = painter.paint(t, np.asarray(frame))
            yield from repeat(picture, repeats[t])
        if t != count - 1:
            raise ShapeError(f"'frames' must be T={count} frames, got {'more' if t >= count else t + 1}.")

    return write_video(path, pictures(), fps)


def _timing(time: Tensor | None, count: int) -> tuple[list[int], float]:
    """How often each frame is shown, and the frames per second of the video."""
    seconds = torch.arange(count) / 2 if time is None or not bool(time.isfinite().all()) else time - time[:1]
    gaps = seconds.diff()
    gap = float(gaps.median()) if count > 1 else 1.0
    if 0 < gap <= 1 / _RATE:
        return [1] * count, min(1 / gap, 120.0)
    ends = [*seconds[1:].tolist(), float(seconds[-1]) + gap] if count else []
    starts = [round(_RATE * each) for each in [0.0, *ends]]
    return [max(after - before, 1) for before, after in pairwise(starts)], _RATE


class _Painter:
    """Draws a graph over one frame at a time."""

    def __init__(self, graph: VideoGraph, label_names: LabelNames, time: Tensor | None) -> None:
        self.time = time
        present = (graph.box[:, 2] > graph.box[:, 0]).tolist()
        self.edges = drawn_edges(graph, present)
        self.colours = node_colours(graph, present)
        self.names = [shown(name, 40) for name in node_names(graph, label_names)]
        self.boxes, self.scores = graph.box.tolist(), graph.score.tolist()
        self.nodes: dict[int, list[int]] = {}
        for i, t in enumerate(graph.frame.tolist()):
            if present[i]:
                self.nodes.setdefault(t, []).append(i)
        frame = graph.frame.tolist()
        self.inside: dict[int, list[tuple[int, int]]] = {}
        for i, j in self.edges.inside:
            if (j, i) not in self.edges.inside or i < j:
                self.inside.setdefault(frame[i], []).append((i, j))
        self.arriving: dict[int, list[tuple[int, int]]] = {}
        for i, j in self.edges.onward:
            self.arriving.setdefault(frame[j], []).append((i, j))
        self.trails = _trails(graph, present)

    def paint(self, t: int, frame: np.ndarray) -> np.ndarray:
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
            raise ShapeError(
                f"Each of 'frames' must be uint8 [H, W, 3], got {frame.dtype} {list(frame.shape)}."
            )
        high, wide = frame.shape[:2]
        scale = max(_SHORT_SIDE / min(high, wide), 1.0)
        picture = Image.fromarray(frame).resize(
            (_even(wide * scale), _even(high * scale)), Image.Resampling.BICUBIC
        )
        across, down = picture.width / wide, picture.height / high
        draw = ImageDraw.Draw(picture, "RGBA")

        def corners(i: int) -> Box:
            x1, y1, x2, y2 = self.boxes[i]
            return x1 * across, y1 * down, x2 * across, y2 * down

        def centre(i: int) -> Point:
            x1, y1, x2, y2 = corners(i)
            return (x1 + x2) / 2, (y1 + y2) / 2

        unit = min(picture.size) / _SHORT_SIDE  # lines and letters grow with the picture
        for i, j in self.inside.get(t, ()):
            strength = max(self.edges.inside[i, j], self.edges.inside.get((j, i), 0.0))
            ends = [centre(i), centre(j)]
            draw.line(ends, fill=(0, 0, 0, 120), width=round((3 + 2 * strength) * unit))
            draw.line(ends, fill="#ffffff", width=max(round((1 + 2 * strength) * unit), 1))
        for i in self.nodes.get(t, ()):
            past = [centre(k) for k in self.trails.get(i, ())]
            if len(past) > 1:
                draw.line(past, fill=_tint(self.colours[i], 130), width=round(5 * unit), joint="curve")
        for i, j in self.arriving.get(t, ()):
            strength = self.edges.onward[i, j]
            _arrow(draw, centre(i), centre(j), self.colours[i], (2 + 2 * strength) * unit)
        nodes = self.nodes.get(t, ())
        width = max(round((3 if len(nodes) <= 60 else 1) * unit), 1)
        for i in nodes:
            draw.rectangle(corners(i), outline=self.colours[i], width=width)
        self._write_names(draw, t, {i: corners(i) for i in nodes}, picture.size, unit)
        return np.asarray(picture)

    def _write_names(
        self,
        draw: ImageDraw.ImageDraw,
        t: int,
        corners: dict[int, Box],
        size: tuple[int, int],
        unit: float,
    ) -> None:
        font = _font(round(15 * unit))
        taken: list[Box] = []
        line = self._line(t)
        width, height = font.getlength(line) + 8 * unit, 20 * unit
        bar = (0.0, size[1] - height, width, float(size[1]))
        taken.append(bar)
        draw.rectangle(bar, fill=(0, 0, 0, 190))
        draw.text((4 * unit, size[1] - height / 2), line, fill="#ffffff", font=font, anchor="lm")
        for i in sorted(corners, key=lambda i: -self.scores[i]):
            text = f"{self.names[i]} {self.scores[i]:.2f}".strip()
            width = font.getlength(text) + 8 * unit
            x = min(max(corners[i][0], 0.0), size[0] - width)
            for y in (corners[i][1] - height, corners[i][1], corners[i][3] - height):
                place = (x, y, x + width, y + height)
                if x >= 0 and 0 <= y <= size[1] - height and not any(_overlap(place, each) for each in taken):
                    taken.append(place)
                    draw.rectangle(place, fill=self.colours[i])
                    ink = ink_on(self.colours[i])
                    draw.text((x + 4 * unit, y + height / 2), text, fill=ink, font=font, anchor="lm")
                    break

    def _line(self, t: int) -> str:
        seconds = math.nan if self.time is None else float(self.time[t])
        parts = [f"frame {t}" if math.isnan(seconds) else f"frame {t}, {seconds:.1f} s"]
        left_out = self.edges.distant + self.edges.faint
        if left_out:
            parts.append(f"{left_out:,} edges of the video are not drawn")
        return "; ".join(parts)


def _trails(graph: VideoGraph, present: list[bool]) -> dict[int, list[int]]:
    """For each tracked node, the nodes of its track in the last frames, itself last."""
    if "track" not in graph:
        return {}
    seen: dict[int, list[int]] = {}
    found: dict[int, list[int]] = {}
    frame = graph.frame.tolist()
    for i, track in enumerate(graph.track.tolist()):
        if track >= 0 and present[i]:
            past = seen.setdefault(track, [])
            past.append(i)
            found[i] = [k for k in past[-_TRAIL:] if frame[k] > frame[i] - _TRAIL]
    return found


def _arrow(draw: ImageDraw.ImageDraw, start: Point, end: Point, colour: str, width: float) -> None:
    length = math.dist(start, end)
    if length < 1:
        return
    draw.line([start, end], fill=(0, 0, 0, 140), width=round(width + 2))
    draw.line([start, end], fill=colour, width=max(round(width), 1))
    if length < 4 * width:
        return  # no room for a head
    along = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
    size = 3 + 2 * width
    base = (end[0] - 1.6 * size * along[0], end[1] - 1.6 * size * along[1])
    sides = [(base[0] - side * size * along[1], base[1] + side * size * along[0]) for side in (1, -1)]
    draw.polygon([end, *sides], fill=colour, outline="#000000")


def _even(length: float) -> int:
    """The nearest even length, as video codecs need it."""
    return max(2 * round(length / 2), 2)


def _tint(colour: str, alpha: int) -> tuple[int, ...]:
    return (*ImageColor.getrgb(colour)[:3], alpha)


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Matplotlib's own font, which has the letters of many languages and is always there."""
    from matplotlib import font_manager

    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), size)
