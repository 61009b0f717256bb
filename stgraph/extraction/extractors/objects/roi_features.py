"""RoI features: the last stage of a backbone, pooled inside each box."""

from __future__ import annotations

from torch import Tensor
from torchvision.ops import roi_align

from stgraph.checking import checked
from stgraph.errors import DataError
from stgraph.typing import FloatTensor, Width, check_shape

__all__ = ["STRIDE", "roi_features"]

STRIDE = 32
"""Width and height in input pixels of one cell of a ResNet's last stage."""

BINS = 7
FARTHEST = 10_000_000


@checked
def roi_features(cells: FloatTensor, boxes: Tensor, stride: Width = STRIDE) -> Tensor:
    r"""Maximum of each channel over the 7 x 7 bins of RoIAlign.

    A box, at :math:`b / s - 1/2` on the feature map, is divided into 7 x 7 bins; each bin averages 2 x 2 points that are
    interpolated bilinearly.

    .. math:: f_c = \max_{i, j} \frac{1}{4} \sum_{u, v} F_c(y_{iu}, x_{jv})

    Args:
        cells: Feature map of one image.
        boxes: Corners x1, y1, x2, y2 in pixels of the image that the network received.
        stride: Pixels of that image per cell of the map.

    Shapes: cells ``[1, C, h, w]``, boxes ``[n, 4]`` -> ``[n, C]``.

    Raises:
        ShapeError: If ``cells`` or ``boxes`` has other axes.
        DataError: If a corner is NaN or lies more than ten million pixels away.

    Reference: He et al., ICCV 2017 (RoIAlign); the maximum as in Pan et al., CVPR 2020.

    >>> import torch
    >>> roi_features(torch.full((1, 2, 4, 4), 3.0), torch.tensor([[8.0, 8.0, 100.0, 90.0]]))
    tensor([[3., 3.]])
    """
    check_shape("cells", cells, "1 C h w")
    check_shape("boxes", boxes, "n 4")
    if boxes.is_complex() or not bool(
        (boxes.float().abs() <= FARTHEST).all()
    ):  # RoIAlign reads outside of the map
        raise DataError(f"'boxes' must be numbers of at most {FARTHEST:,} pixels, got NaN or larger ones.")
    bins = roi_align(
        cells.float(), [boxes.float()], BINS, spatial_scale=1 / stride, sampling_ratio=2, aligned=True
    )
    return bins.amax((2, 3))
