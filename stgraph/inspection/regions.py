"""The regions that a model attends to, and where in the frame they lie."""

from __future__ import annotations

import math
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle
from torch import Tensor

from stgraph.checking import checked
from stgraph.errors import OptionError, ShapeError
from stgraph.extraction.extractors.image_transforms import crop_area
from stgraph.models import CaptioningModel, STaTSCaptioner
from stgraph.pipeline import CaptionPipeline
from stgraph.typing import FloatTensor

__all__ = ["Area", "RegionLayout", "area_of_extractor", "draw_heat_map", "region_layout"]

Area = tuple[float, float, float, float]
"""Corners x1, y1, x2, y2 in pixels of the frame."""

HEAT = "inferno"
_CROPPED = (
    "resnet",
    "googlenet",
    "i3d",
)  # extractors that see the centre square of a frame, 224 of 256 pixels


@checked
@dataclass(frozen=True)
class RegionLayout:
    """What the regions of each frame are, in the order of a model's attention weights: cells, boxes, the whole frame.

    Args:
        grid: Rows and columns of the grid; (0, 0) without one.
        boxes: Whether the boxes of the graph are regions.
        area: Part of the frame that the grid covers; None is the whole frame.

    >>> RegionLayout(grid=(7, 7), boxes=False).cells
    49
    """

    grid: tuple[int, int] = (0, 0)
    boxes: bool = True
    area: Area | None = None

    @property
    def cells(self) -> int:
        """Number of grid cells per frame."""
        return self.grid[0] * self.grid[1]

    def heat(self, weights: FloatTensor) -> Tensor:
        """Weights of the cells as a map; ``[..., S]`` -> ``[..., rows, columns]``, row by row.

        Raises:
            ShapeError: If there are fewer regions than cells.
        """
        if not weights.ndim or weights.size(-1) < self.cells:
            raise ShapeError(
                f"'weights' must be [..., S] for the {self.cells} cells of the grid, got {list(weights.shape)}."
            )
        return weights[..., : self.cells].unflatten(-1, self.grid)


@checked
def region_layout(
    captioner: CaptionPipeline, branch: str, graph: object, size: tuple[int, int]
) -> RegionLayout:
    """Regions of a model's attention for the frames of a graph.

    Args:
        captioner: The model.
        branch: Its branch.
        graph: Graph of a video with the grids that the branch reads.
        size: Height and width of the frames in pixels.

    Raises:
        OptionError: If a grid is not square, as its rows and columns are then unknown.
    """
    model: CaptioningModel = captioner.model
    names = [stream for stream in model.streams(branch) if stream.startswith("grid/")]
    kinds = tuple(model.encoder.places) if isinstance(model, STaTSCaptioner) else ("x",)
    if "grids" not in kinds or not names:
        return RegionLayout(boxes="x" in kinds)
    cells = int(graph[names[0]].size(1))  # type: ignore[index]
    side = math.isqrt(cells)
    if side * side != cells:
        raise OptionError(
            f"'{names[0]}' has {cells} cells per frame, which form no square, so their places are unknown; draw them "
            "from Python, by draw_attention with a RegionLayout that has their rows and columns."
        )
    record = captioner.config.extractors.get(names[0])
    return RegionLayout((side, side), "x" in kinds, area_of_extractor(record.name if record else "", size))


def area_of_extractor(name: str, size: tuple[int, int]) -> Area | None:
    """Part of a frame of (height, width) pixels that an extractor of stgraph sees; None if that is all or unknown."""
    return crop_area(*size, 256, 224) if name.startswith(_CROPPED) else None


def draw_heat_map(
    axes: Axes, heat: Tensor, size: tuple[int, int], most: float, area: Area | None = None
) -> ScalarMappable:
    """Draws a map of weights over a frame: cells of equal size that cover ``area``, transparent where weights are small.

    Args:
        axes: Axes in pixels of the frame.
        heat: The weights, row by row from the top left.
        size: Height and width of the frame.
        most: Weight of the brightest colour.
        area: Part of the frame that the map covers; None is all of it.

    Returns:
        What a colour bar needs.

    Shapes: heat ``[rows, columns]``.
    """
    x1, y1, x2, y2 = area if area is not None else (0.0, 0.0, float(size[1]), float(size[0]))
    most = most if most > 0 else 1.0
    strength = (heat / most).clamp(0, 1).float()
    axes.imshow(
        heat.numpy(),
        extent=(x1, x2, y2, y1),
        cmap=HEAT,
        norm=Normalize(0, most),
        alpha=(0.15 + 0.65 * strength).numpy(),
        interpolation="nearest",
        zorder=2,
    )
    if area is not None:
        axes.add_patch(
            Rectangle(
                (x1, y1),
                x2 - x1,
                y2 - y1,
                fill=False,
                edgecolor="white",
                linewidth=0.5,
                linestyle=":",
                zorder=3,
            )
        )
    return ScalarMappable(Normalize(0, most), HEAT)
