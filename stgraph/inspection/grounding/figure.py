"""Picture of a grounding: the weights of boxes, cells and frames for words of a caption, over the frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from torch import Tensor

from stgraph.checking import checked
from stgraph.drawing import picture_text, show_frame, styled, value_bar
from stgraph.errors import OptionError
from stgraph.files import save_figure
from stgraph.graph import VideoGraph
from stgraph.inspection.frames import shown_frames
from stgraph.inspection.grounding.ground import Grounding

__all__ = ["draw_grounding"]

_PANEL = 1.0  # inches
_MAP = "RdBu_r"


@checked
@styled
def draw_grounding(
    found: Grounding,
    frames: np.ndarray | Tensor,
    graph: VideoGraph | None = None,
    path: str | Path | None = None,
    *,
    words: Sequence[int] | None = None,
) -> Figure:
    """Draws a row of frames for each word, whose boxes have outlines of their weights: red for the word, blue against it.

    Where boxes have no weights, the whole frame is outlined by its own. Each row has its own scale, from minus to plus its
    largest absolute weight, so rows are compared by where the weights are, not by how large.

    Args:
        found: The weights.
        frames: The frames that the model sees, uint8 RGB.
        graph: Graph of the same video, with boxes in pixels of ``frames``; needed where boxes have weights.
        path: File to write, in the format of its suffix; None writes no file.
        words: Positions of the words to draw; None draws all.

    Returns:
        The figure.

    Shapes: frames ``[T, H, W, 3]``.

    Raises:
        OptionError: If a word does not exist, or boxes have weights and no graph with as many boxes is given.
        ShapeError: If ``frames`` have other axes, or their number is not that of the weights.
    """
    rows = list(range(len(found.words))) if words is None else list(words)
    if not rows or not all(0 <= row < len(found.words) for row in rows):
        raise OptionError(
            f"'words' must be positions in 0..{len(found.words) - 1}, at least one, got {rows}."
        )
    number = found.frames.size(1)
    frames = shown_frames(frames, number)
    boxes = None
    if found.nodes is not None:
        boxes = None if graph is None else graph.get("box")
        if boxes is None or len(boxes) != found.nodes.size(1):
            raise OptionError(
                f"'graph' must have the {found.nodes.size(1)} boxes that have weights, got "
                f"{'no boxes' if boxes is None else len(boxes)}; pass captioner.graph_of(video)."
            )
        boxes = boxes.cpu()
    height, width = frames.shape[1:3]
    tall = _PANEL * min(max(height / width, 0.3), 1.8)
    figure = Figure(
        figsize=(1.7 + number * (_PANEL + 0.04), len(rows) * (tall + 0.1) + 0.6), layout="constrained"
    )
    title = f"{found.video_id}: {found.caption}" if found.video_id else found.caption
    figure.suptitle(picture_text(f"{title} ({found.method.replace('_', ' ')})", 16 * number, 2), fontsize=9)
    grid = figure.subplots(len(rows), number, squeeze=False)
    for line, row in zip(grid, rows, strict=True):
        weights = found.frames[row] if found.nodes is None else found.nodes[row]
        most = float(weights.abs().max()) if weights.numel() else 0.0
        norm = Normalize(-(most or 1.0), most or 1.0)
        colours = ScalarMappable(norm, _MAP)
        for t, axes in enumerate(line):
            show_frame(axes, frames[t], height, width)
            if row == rows[0]:
                axes.set_title(f"frame {t}", fontsize=7, pad=2)
            if boxes is None:
                _patch(axes, (0, 0, width, height), float(weights[t]), most)
                continue
            assert found.frame is not None
            for node in (found.frame == t).nonzero()[:, 0].tolist():
                _patch(axes, boxes[node].tolist(), float(weights[node]), most)
        probability = math.exp(float(found.log_probs[row]))
        line[0].set_ylabel(f"{picture_text(found.words[row], 16)}\np = {probability:.2g}", fontsize=8)
        value_bar(
            figure,
            colours,
            list(line),
            "",
            {-(most or 1.0): f"{-most:.2g}", 0.0: "0", most or 1.0: f"{most:.2g}"},
        )
    if path is not None:
        save_figure(figure, path, dpi=150)
    return figure


def _patch(axes: Axes, box: Sequence[float], weight: float, most: float) -> None:
    """The outline of a box, thicker the larger its weight is; nothing inside hides the object's own colours."""
    x1, y1, x2, y2 = box
    strength = abs(weight) / (most or 1.0)
    rectangle = Rectangle(
        (x1, y1),
        x2 - x1,
        y2 - y1,
        fill=False,
        edgecolor=colormaps[_MAP](0.5 + 0.5 * math.copysign(strength, weight)),
        linewidth=0.6 + 2.2 * strength,
        path_effects=[withStroke(linewidth=1.2 + 2.6 * strength, foreground="white", alpha=0.7)],
        zorder=2 + strength,
    )
    axes.add_patch(rectangle)
