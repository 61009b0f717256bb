"""Pictures of saliency: what captions of several models or branches depend on, below the frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import avg_pool2d

from stgraph.checking import checked
from stgraph.drawing import picture_text, show_frame, styled, value_bar
from stgraph.errors import OptionError
from stgraph.files import save_figure
from stgraph.inspection.frames import shown_frames
from stgraph.inspection.regions import draw_heat_map
from stgraph.inspection.saliency import Saliency

__all__ = ["draw_saliency"]

_PANEL = 1.25  # inches
METHODS = {"gradient": "input gradient", "grad_cam": "Grad-CAM"}


@checked
@styled
def draw_saliency(
    found: Mapping[str, Saliency],
    frames: np.ndarray | Tensor,
    path: str | Path | None = None,
    *,
    references: Sequence[str] = (),
    title: str = "",
) -> Figure:
    """Draws frames in a row, and below them input gradients and Grad-CAM of each model.

    Every row has its own scale from 0 to its largest value: rows can be compared by where they are bright, not by how much.
    Gradients by pixels are drawn as means over blocks, about 28 in a row.

    Args:
        found: Saliency by the name of the model or branch, all of the same video.
        frames: The frames, uint8 RGB.
        path: File to write, in the format of its suffix; None writes no file.
        references: Sentences of people, of which the first one is shown.
        title: Title of the figure.

    Returns:
        The figure.

    Shapes: frames ``[T, H, W, 3]``.

    Raises:
        OptionError: If no saliency is given.
        ShapeError: If ``frames`` have other axes, or other frames than the maps.

    Reference: after Pan et al., CVPR 2020, Fig. 3.
    """
    if not found:
        raise OptionError("'found' must hold the saliency of at least one model, got none.")
    number = len(next(iter(found.values())).gradient)
    frames = shown_frames(frames, number)
    height, width = frames.shape[1:3]
    rows = [(name, method) for name in found for method in METHODS]
    tall = _PANEL * height / width
    captions = [picture_text(f"{name}: {each.caption}", 20 * number, 2) for name, each in found.items()]
    captions = (
        [picture_text(f"reference: {references[0]}", 20 * number, 2), *captions] if references else captions
    )
    below = 0.25 + 0.16 * sum(text.count("\n") + 1 for text in captions)
    figure = Figure(
        figsize=(1.4 + number * (_PANEL + 0.06), (len(rows) + 1) * (tall + 0.12) + 0.45 + below),
        layout="constrained",
    )
    figure.suptitle(picture_text(title, 20 * number), fontsize=9)
    grid = figure.subplots(len(rows) + 1, number, squeeze=False)
    for t, axes in enumerate(grid[0]):
        show_frame(axes, frames[t], height, width)
        axes.set_title(f"frame {t}", fontsize=7, pad=2)
    grid[0][0].set_ylabel("frames")
    for row, (name, method) in zip(grid[1:], rows, strict=True):
        each = found[name]
        maps = _readable(getattr(each, method))
        bar = None
        for t, axes in enumerate(row):
            show_frame(axes, frames[t], height, width)
            bar = draw_heat_map(axes, maps[t], (height, width), float(maps.max()), each.area)
        row[0].set_ylabel(f"{picture_text(name, 18, 2)}\n{METHODS[method]}", fontsize=7)
        value_bar(figure, bar, row, "")
    figure.supxlabel("\n".join(captions), fontsize=8, x=0.01, ha="left")
    if path is not None:
        save_figure(figure, path, dpi=150)
    return figure


def _readable(maps: Tensor) -> Tensor:
    """Means over blocks of pixels, so that a few bright pixels do not hide the rest; coarser maps stay as they are."""
    block = max(1, min(maps.shape[1:]) // 28)
    return avg_pool2d(maps[:, None], block)[:, 0]
