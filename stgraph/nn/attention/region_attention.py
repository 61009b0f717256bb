"""Spatial attention: which regions of each frame matter to a language state."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stgraph.nn.attention.additive_attention import AdditiveAttention
from stgraph.typing import check_shape

__all__ = ["RegionAttention", "pad_regions"]


class RegionAttention(nn.Module):
    r"""Mixes the regions of each frame by additive attention inside that frame.

    .. math:: \hat{x}_t = \sum_j e_{tj} x_{tj}, \quad e_{tj} = \operatorname{softmax}_j(\operatorname{att}(h, x_{tj}))

    Regions are padded to the frame with most of them (:func:`pad_regions`); those of a grid need none. A frame without
    regions gives zeros.

    Args:
        in_channels, query_channels, hidden_channels: As in :class:`AdditiveAttention`.

    Shapes: query ``[P, H]``, regions ``[P, T, S, D]``, mask ``[P, T, S]``, keys ``[P, T, S, A]`` of :meth:`prepare` ->
        frames ``[P, T, D]`` and weights ``[P, T, S]``.
    Reference: Cherian et al., WACV 2020, Eq. 3; Tu et al., ACM MM 2017.
    """

    def __init__(self, in_channels: int, query_channels: int, hidden_channels: int) -> None:
        super().__init__()
        self.attention = AdditiveAttention(in_channels, query_channels, hidden_channels)

    def prepare(self, regions: Tensor, mask: Tensor) -> Tensor:
        """What is the same for all words: keys ``[B, T, S, A]``."""
        return self.attention.keys(regions)

    def forward(self, query: Tensor, regions: Tensor, mask: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        """Eq. 3 in every frame; ``regions`` must hold zeros where ``mask`` is False."""
        weights = self.attention(query, keys, mask)
        return (weights.unsqueeze(-2) @ regions).squeeze(-2), weights


def pad_regions(x: Tensor, frame: Tensor, num_frames: Tensor) -> tuple[Tensor, Tensor]:
    """Regions one below the other -> one block a video, each frame filled up with zeros, and a mask.

    Shapes: x ``[N, D]``, frame ``[N]`` (sorted, numbered through the batch), num_frames ``[B]`` -> ``[B, T, S, D]`` and
        ``[B, T, S]`` (True where real), with the largest T and S of the batch; S is at least 1.
    Raises: ShapeError: ``frame`` has another length than ``x``.
    Reference: house design.

    >>> import torch
    >>> regions, mask = pad_regions(torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([0, 0, 2]), torch.tensor([1, 2]))
    >>> regions[..., 0].tolist()
    [[[1.0, 2.0], [0.0, 0.0]], [[0.0, 0.0], [3.0, 0.0]]]
    """
    check_shape("x", x, "N D")
    check_shape("frame", frame, "N", N=x.size(0))
    total, longest = int(num_frames.sum()), int(num_frames.max())
    count = torch.bincount(frame, minlength=total)
    first = count.cumsum(0) - count
    place = torch.arange(len(frame), device=x.device) - first[frame]  # position of a region in its frame
    video = torch.repeat_interleave(torch.arange(len(num_frames), device=x.device), num_frames)
    start = num_frames.cumsum(0) - num_frames
    row = video * longest + torch.arange(total, device=x.device) - start[video]  # of each frame in the block
    size = max(int(count.max()), 1) if total else 1
    slot = row[frame] * size + place
    block = x.new_zeros(len(num_frames) * longest * size, x.size(1)).index_copy(0, slot, x)
    mask = torch.zeros(len(block), dtype=torch.bool, device=x.device).index_fill(0, slot, True)
    shape = (len(num_frames), longest, size)
    return block.view(*shape, -1), mask.view(shape)
