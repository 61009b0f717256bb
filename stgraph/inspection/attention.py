"""Pictures of the attention of a caption's words over frames and regions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from stgraph.errors import OptionError, ShapeError
from stgraph.files import save_figure
from stgraph.graph import VideoGraph
from stgraph.pipeline import Caption

__all__ = ["draw_attention"]

# Attention maps over frames, in order of preference, and the map over regions that belongs to each.
_FRAMES = ("ts_frames", "local", "frames", "global", "motion", "st_frames")
_REGIONS = {"ts_frames": "ts_regions", "local": "regions", "frames": "regions", "st_frames": "st_regions"}
_PANELS_A_ROW = 6


def draw_attention(
    caption: Caption,
    frames: np.ndarray | Tensor | None = None,
    graph: VideoGraph | None = None,
    path: str | Path | None = None,
) -> Figure:
    """Draws the attention of each word over frames, and over the regions of its most attended frame.

    The upper part has a heat map of words by sampled frames for each attention map; darker means a larger weight. With
    ``frames``, the lower part shows the frame of largest weight for each word, by the map named in the title. With
    ``graph``, it also shows the boxes of that frame; more opaque means a larger weight.

    Args:
        caption: Caption generated with ``attention=True``.
        frames: The sampled frames, uint8 RGB.
        graph: Graph of the same video from the captioner's builder, with boxes in pixels of ``frames``.
        path: File to write, in the format of its suffix; None writes no file.

    Returns:
        The figure.

    Shapes: frames ``[T, H, W, 3]``.

    Raises:
        OptionError: If the caption has no attention over frames.
        ShapeError: If ``frames`` have other axes, or their number differs from the caption's.

    Reference: after Cherian et al., WACV 2020, Fig. 7.
    """
    maps = {name: weights for name, weights in caption.attention.items() if name in _FRAMES}
    if not maps:
        raise OptionError(
            f"The caption of '{caption.video_id}' has no attention over frames; caption the video with attention=True."
        )
    words = [*caption.text.split(), "(end)"][: len(next(iter(maps.values())))]
    many, number = len(words), next(iter(maps.values())).size(1)
    if frames is not None:
        frames = np.asarray(frames)
        if frames.ndim != 4 or frames.shape[0] != number or frames.shape[3] != 3:
            raise ShapeError(f"'frames' must be [T={number}, H, W, 3], got {list(frames.shape)}")
    rows = 0 if frames is None else -(-many // _PANELS_A_ROW)
    figure = Figure(figsize=(12, 0.6 + 0.24 * many + 2.0 * rows), layout="constrained")
    figure.suptitle(f"{caption.video_id}: {caption.text}", fontsize=10)
    heights = [0.3 + 0.24 * many, 2.0 * rows] if rows else [1.0]
    charts, *below = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    for axes, (name, weights) in zip(
        charts.subplots(1, len(maps), squeeze=False)[0], maps.items(), strict=True
    ):
        _chart(axes, name, weights, words)
    if frames is not None:
        chosen = next(name for name in _FRAMES if name in maps)
        regions = caption.attention.get(_REGIONS.get(chosen, ""))
        below[0].suptitle(f"frame with the largest weight in '{chosen}'", fontsize=8)
        panels = below[0].subplots(rows, _PANELS_A_ROW, squeeze=False).ravel()
        for axes in panels:
            axes.set_axis_off()
        for word, axes in zip(range(many), panels, strict=False):
            t = int(maps[chosen][word].argmax())
            axes.imshow(frames[t], extent=(0, frames.shape[2], frames.shape[1], 0))
            axes.set_title(f"{words[word]} (frame {t})", fontsize=8, pad=2)
            if graph is not None and regions is not None:
                _boxes(axes, graph, t, regions[word, t])
    if path is not None:
        save_figure(figure, path, dpi=130)
    return figure


def _chart(axes: Axes, name: str, weights: Tensor, words: list[str]) -> None:
    axes.imshow(weights.numpy(), cmap="Blues", vmin=0.0, aspect="auto")
    axes.set_title(name, fontsize=8, pad=2)
    axes.set_yticks(range(len(words)), words, fontsize=8)
    axes.tick_params(axis="x", labelsize=7)
    axes.set_xlabel("sampled frame", fontsize=7)


def _boxes(axes: Axes, graph: VideoGraph, t: int, weights: Tensor) -> None:
    """Draws the boxes of a frame; regions without a box (grid cells, the whole frame) are skipped."""
    boxes = graph.box[graph.frame == t].tolist()
    strongest = max(float(weights.max()), 1e-9)
    for (x1, y1, x2, y2), weight in zip(boxes, weights.tolist(), strict=False):
        if x2 > x1:
            axes.add_patch(
                Rectangle(
                    (x1, y1),
                    x2 - x1,
                    y2 - y1,
                    fill=False,
                    edgecolor="#ff2a6d",
                    linewidth=2,
                    alpha=weight / strongest,
                )
            )
