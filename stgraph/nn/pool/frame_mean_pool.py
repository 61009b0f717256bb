"""Mean pool: one vector per frame, the mean of its objects."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stgraph.checking import axes, checked
from stgraph.errors import ShapeError
from stgraph.nn.extensions import torch_scatter_for
from stgraph.typing import FloatTensor, IndexTensor, Rows, check_shape

__all__ = ["FrameMeanPool"]


@checked
class FrameMeanPool(nn.Module):
    r"""Averages the nodes of each frame; a frame without nodes is a zero row.

    .. math:: f_t = \frac{1}{N_t} \sum_{i \in t} h_i

    Shapes: x ``[N, F]``, frame ``[N]`` (sorted, numbered through the batch) -> ``[num_frames, F]``.

    Raises:
        ShapeError: If ``x`` and ``frame`` differ in length, or ``frame`` exceeds ``num_frames``.

    Reference: Pan et al., CVPR 2020, section 3.2 (spatial average pooling); zero rows: our own design.

    >>> FrameMeanPool()(torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([0, 0, 2]), 3)[:, 0].tolist()
    [2.0, 0.0, 5.0]
    """

    @axes(x="N F", frame="N <num_frames")
    def forward(self, x: FloatTensor, frame: IndexTensor, num_frames: Rows) -> Tensor:
        """Pools all frames of a batch at once."""
        check_shape("x", x, "N F")
        check_shape("frame", frame, "N", N=x.size(0))
        count = torch.bincount(frame, minlength=num_frames)
        if len(count) > num_frames:
            raise ShapeError(
                f"'frame' must hold numbers below {num_frames}, the number of frames, got {len(count) - 1}; pass the "
                "num_frames of the same batch."
            )
        scatter = torch_scatter_for(x.device)
        if scatter is not None:
            pointer = nn.functional.pad(count.cumsum(0), (1, 0))
            return scatter.segment_csr(x, pointer, reduce="mean")
        total = x.new_zeros(num_frames, x.size(1)).index_add(0, frame, x)
        return total / count.clamp(min=1).unsqueeze(1).to(x.dtype)
