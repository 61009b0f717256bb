"""I3D on colours: the vector of a clip and, if wanted, the 7 x 7 cells that it is the mean of."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from stgraph.errors import OptionError
from stgraph.extraction.extractors.motion.clip import ClipExtractor
from stgraph.extraction.extractors.motion.i3d_network import I3DNetwork
from stgraph.extraction.extractors.protocol import ItemFeatures
from stgraph.extraction.extractors.weights import load_network

__all__ = ["I3D"]


class I3D(ClipExtractor):
    """I3D in the layout of the public PyTorch files of its Kinetics weights.

    Frames are resized to a short side of 256, cut to 224 x 224 in the middle and scaled to -1..1.

    Args:
        weights: A file such as ``rgb_imagenet.pt``, or "random"; no well-kept library has any. A classifier in it is left.
        grid: True also gives the cells of Mixed_5c, its two time steps joined, as stream ``grid/i3d``.
        pooled: False leaves the stream "motion" out.

    Shapes: a clip -> motion ``[1024]``, the mean over 2 x 7 x 7 cells; grid ``[49, 2048]``, its rows from left to right and
        top to bottom, the first time step in front.
    Raises: OptionError: Neither stream is wanted, or as :func:`~stgraph.extraction.extractors.weights.load_network`.
    Reference: Carreira and Zisserman, CVPR 2017; the grid as in Cherian et al., WACV 2020.
    """

    mean = std = (0.5, 0.5, 0.5)

    def __init__(self, weights: str = "default", grid: bool = False, pooled: bool = True) -> None:
        self.streams = streams_of("grid/i3d", grid, pooled)
        super().__init__(*load_network(I3DNetwork, weights, optional=("logits.",)))

    @torch.inference_mode()
    def extract(self, items: Sequence[Tensor]) -> list[ItemFeatures]:
        """Vector, and cells, of each clip."""
        with self.autocast():
            cells = self.network(self.batch(items))
        return describe_cells(cells, self.streams)


def streams_of(name: str, grid: bool, pooled: bool) -> tuple[str, ...]:
    """The streams that are wanted.

    Raises: OptionError: None is.
    """
    if not (grid or pooled):
        raise OptionError("'grid' and 'pooled' must not both be false: nothing would be left to extract.")
    return ("motion",) * pooled + (name,) * grid


def describe_cells(cells: Tensor, streams: Sequence[str]) -> list[ItemFeatures]:
    """What the last layer's cells say of each clip.

    Shapes: cells ``[B, C, T, H, W]`` -> "motion" ``[C]``, any other stream ``[H W, T C]``.
    """
    cells = cells.float()
    pooled = cells.mean((2, 3, 4)).cpu()
    grids = cells.flatten(3).permute(0, 3, 2, 1).flatten(2).cpu()
    return [
        {stream: vector if stream == "motion" else grid for stream in streams}
        for vector, grid in zip(pooled, grids, strict=True)
    ]
