"""I3D on RGB frames: the vector of a clip and, on request, the 7 x 7 cells that it averages."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.errors import OptionError
from stgraph.extraction.extractors.motion.clip import ClipExtractor
from stgraph.extraction.extractors.motion.i3d_network import I3DNetwork
from stgraph.extraction.extractors.protocol import ItemFeatures
from stgraph.extraction.extractors.weights import load_network

__all__ = ["I3D"]


@checked
class I3D(ClipExtractor):
    """I3D on RGB frames, compatible with the public PyTorch files of its Kinetics weights.

    Frames are resized to a short side of 256, centre-cropped to 224 x 224 and scaled to -1..1.

    Args:
        weights: A file such as ``rgb_imagenet.pt``, or "random"; no maintained library publishes any. A classifier in
            it is ignored.
        grid: Whether to extract the cells of Mixed_5c, with both time steps concatenated, as the stream ``grid/i3d``.
        pooled: Whether to extract the stream "motion".

    Shapes: a clip -> motion ``[1024]``, the mean over 2 x 7 x 7 cells; grid ``[49, 2048]`` in row-major order, the first
        time step first.

    Raises:
        OptionError: If both streams are turned off, or ``weights`` is "default".
        MissingDataError: If the file doesn't exist.
        DataError: If the file doesn't fit the network.

    Reference: Carreira and Zisserman, CVPR 2017; the grid as in Cherian et al., WACV 2020.
    """

    mean = std = (0.5, 0.5, 0.5)

    def __init__(self, weights: str = "default", grid: bool = False, pooled: bool = True) -> None:
        self.streams = streams_of("grid/i3d", grid, pooled)
        super().__init__(*load_network(I3DNetwork, weights, optional=("logits.",)))

    @torch.inference_mode()
    def extract(self, items: Sequence[Tensor]) -> list[ItemFeatures]:
        """Returns the vector and the cells of each clip, as far as requested."""
        with self.autocast():
            cells = self.network(self.batch(items))
        return features_from_cells(cells, self.streams)


def streams_of(name: str, grid: bool, pooled: bool) -> tuple[str, ...]:
    """The requested streams; ``name`` is that of the grid.

    Raises:
        OptionError: If none is requested.
    """
    if not (grid or pooled):
        raise OptionError("'grid' and 'pooled' must not both be false: nothing would be left to extract.")
    return ("motion",) * pooled + (name,) * grid


def features_from_cells(cells: Tensor, streams: Sequence[str]) -> list[ItemFeatures]:
    """Pools the cells of the last layer into the requested streams of each clip.

    Shapes: cells ``[B, C, T, H, W]`` -> "motion" ``[C]``, any other stream ``[H W, T C]``.
    """
    cells = cells.float()
    pooled = cells.mean((2, 3, 4)).cpu()
    grids = cells.flatten(3).permute(0, 3, 2, 1).flatten(2).cpu()
    return [
        {stream: vector if stream == "motion" else grid for stream in streams}
        for vector, grid in zip(pooled, grids, strict=True)
    ]
