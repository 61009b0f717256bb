"""Pictures of the attention of a caption's words over frames and regions."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from torch import Tensor

from stgraph.checking import checked
from stgraph.drawing import even_share_norm, picture_text, show_frame, styled, value_bar
from stgraph.errors import OptionError
from stgraph.files import save_figure
from stgraph.graph import VideoGraph
from stgraph.inspection.frames import shown_frames
from stgraph.inspection.regions import RegionLayout, draw_heat_map
from stgraph.inspection.sharpness import FRAME_MAPS
from stgraph.pipeline import Caption

__all__ = ["draw_attention"]

# The attention map over regions that belongs to each map over frames.
_REGIONS = {"ts_frames": "ts_regions", "local": "regions", "frames": "regions", "st_frames": "st_regions"}
_PANELS_A_ROW = 6
_WIDTH, _PANEL = 10.0, 1.65  # inches
_BOX = "#56b4e9"


@checked
@styled
def draw_attention(
    caption: Caption,
    frames: np.ndarray | Tensor | None = None,
    graph: VideoGraph | None = None,
    path: str | Path | None = None,
    *,
    layout: RegionLayout | None = None,
) -> Figure:
    """Draws the attention of each word over frames, and over the regions of its most attended frame.

    Each attention map over frames is a chart of words by sampled frames: white is the even share 1/T, red is more, blue
    less. With ``frames``, the figure starts with the strip of all frames and ends with the frame of largest weight for each
    word, by the map named there. The regions of that frame are drawn over it, by ``layout``: grid cells as a heat map,
    boxes (with ``graph``) more opaque the larger their weight, with the weight of the strongest one.

    Args:
        caption: Caption generated with ``attention=True``.
        frames: The sampled frames, uint8 RGB.
        graph: Graph of the same video from the captioner's builder, with boxes in pixels of ``frames``.
        path: File to write, in the format of its suffix; None writes no file.
        layout: What the regions are; None is the boxes of the graph. :func:`region_layout` finds that of a model.

    Returns:
        The figure.

    Shapes: frames ``[T, H, W, 3]``.

    Raises:
        OptionError: If the caption has no attention over frames or regions.
        ShapeError: If ``frames`` have other axes, or their number differs from the caption's.

    Reference: after Cherian et al., WACV 2020, Fig. 6 to 9.
    """
    layout = RegionLayout() if layout is None else layout
    maps = {name: weights for name, weights in caption.attention.items() if name in FRAME_MAPS}
    chosen = next((name for name in FRAME_MAPS if name in maps), "")
    regions = caption.attention.get(_REGIONS.get(chosen, ""))
    if not maps:  # a model without attention over frames: show the frame that holds the strongest region
        chosen = next((name for name in ("st_regions", "regions") if name in caption.attention), "")
        if not chosen:
            raise OptionError(
                f"The caption of '{caption.video_id}' has no attention over frames; caption the video with attention=True."
            )
        regions = caption.attention[chosen]
        maps = {f"{chosen}, largest of each frame": regions.amax(2)}
    select = next(iter(maps.values())) if chosen not in maps else maps[chosen]
    words = [picture_text(word, 18) for word in [*caption.text.split(), "(end)"][: len(select)]]
    many, number = select.shape
    words += [""] * (many - len(words))
    if frames is not None:
        frames = shown_frames(frames, number)
    shape = (3, 4) if frames is None else frames.shape[1:3]
    aspect = min(max(shape[0] / shape[1], 0.3), 1.8)
    strip_rows, rows = (0, 0) if frames is None else (-(-number // 10), -(-many // _PANELS_A_ROW))
    heights = [
        strip_rows * (_WIDTH / min(max(number, 6), 10) * aspect + 0.2),
        0.75 + 0.2 * many,
        rows * (_PANEL * aspect + 0.3) + 0.25,
    ]
    heights = heights if frames is not None else heights[1:2]
    title = picture_text(f"{caption.video_id}: {caption.text}", 130, 3)
    above = 0.15 + 0.17 * (title.count("\n") + 1)
    figure = Figure(figsize=(_WIDTH, above + sum(heights)), layout="constrained")
    figure.suptitle(title, fontsize=9)
    parts = list(figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0])
    if frames is not None:
        _strip(parts.pop(0), frames)
    _charts(parts.pop(0), maps, words)
    if frames is not None:
        _panels(parts.pop(0), frames, words, select, chosen, regions, graph, layout)
    if path is not None:
        save_figure(figure, path, dpi=150)
    return figure


def _strip(part: SubFigure, frames: np.ndarray) -> None:
    """All frames, numbered, in rows of ten."""
    number, height, width, _ = frames.shape
    columns = min(max(number, 6), 10)
    for t, axes in enumerate(part.subplots(-(-number // columns), columns, squeeze=False).ravel()):
        if t >= number:
            axes.set_axis_off()
            continue
        show_frame(axes, frames[t], height, width)
        axes.set_title(f"frame {t}", fontsize=7, pad=2)


def _charts(part: SubFigure, maps: dict[str, Tensor], words: list[str]) -> None:
    for axes, (name, weights) in zip(
        part.subplots(1, len(maps), squeeze=False)[0], maps.items(), strict=True
    ):
        count = weights.size(1)
        norm = even_share_norm(float(weights.max()), count)
        image = axes.imshow(weights.numpy(), cmap="RdBu_r", norm=norm, aspect="auto", interpolation="nearest")
        axes.set_title(name, pad=3)
        axes.set_yticks(range(len(words)), words)
        axes.set_xticks(range(0, count, max(1, math.ceil(count / 14))))
        axes.set_xlabel("sampled frame")
        most = float(norm.vmax or 1.0)
        ticks = {0.0: "0", 1 / count: f"1/T = {1 / count:.2g}", most: f"{most:.2g}"}
        value_bar(part, image, axes, "weight", ticks)


def _panels(
    part: SubFigure,
    frames: np.ndarray,
    words: list[str],
    select: Tensor,
    chosen: str,
    regions: Tensor | None,
    graph: VideoGraph | None,
    layout: RegionLayout,
) -> None:
    """For each word the frame of its largest weight, with the weights of that frame's regions."""
    size = (frames.shape[1], frames.shape[2])
    rows = -(-len(words) // _PANELS_A_ROW)
    panels = part.subplots(rows, _PANELS_A_ROW, squeeze=False)
    picked = select.argmax(1).tolist()
    heats = None
    if regions is not None and layout.cells:
        heats = layout.heat(torch.stack([regions[word, t] for word, t in enumerate(picked)]))
    bar = None
    for word, axes in enumerate(panels.ravel()):
        if word >= len(words):
            axes.set_axis_off()
            continue
        t = picked[word]
        show_frame(axes, frames[t], *size)
        axes.set_title(f"{words[word]} (frame {t}: {float(select[word, t]):.2f})", fontsize=7.5, pad=2)
        if heats is not None:
            bar = draw_heat_map(axes, heats[word], size, float(heats.max()), layout.area)
        if regions is not None and graph is not None and layout.boxes:
            _boxes(axes, graph, t, regions[word, t, layout.cells :])
    text = f"frame with the largest weight in '{chosen}'"
    part.suptitle(text if regions is None else f"{text}, and the weights of its regions", fontsize=8)
    if bar is not None:
        value_bar(part, bar, panels, "weight of a cell")


def _boxes(axes: Axes, graph: VideoGraph, t: int, weights: Tensor) -> None:
    """Draws the boxes of a frame; padding has no box to draw. Weights behind those of the boxes are of the whole frame."""
    boxes = graph.box[graph.frame == t].tolist()
    strongest = max(float(weights[: len(boxes)].max()) if boxes else 0.0, 1e-9)
    for (x1, y1, x2, y2), weight in zip(boxes, weights.tolist(), strict=False):
        if x2 <= x1:
            continue
        axes.add_patch(
            Rectangle(
                (x1, y1),
                x2 - x1,
                y2 - y1,
                fill=False,
                edgecolor=_BOX,
                linewidth=1.8,
                alpha=weight / strongest,
                path_effects=[withStroke(linewidth=2.8, foreground="black", alpha=0.6 * weight / strongest)],
                zorder=3,
            )
        )
        if weight == strongest:
            left, right = sorted(axes.get_xlim())
            axes.annotate(
                f"{weight:.2f}",
                (min(max(x1, left), right), y1),
                xytext=(1.5, -1.5),
                textcoords="offset points",
                fontsize=6,
                va="top",
                color="white",
                zorder=4,
                annotation_clip=True,
                path_effects=[withStroke(linewidth=1.4, foreground="black")],
            )
