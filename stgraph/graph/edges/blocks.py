"""Pads frames with different numbers of boxes to blocks of equal height, processed in chunks of bounded size.

Boxes are sorted by frame, so the boxes of a frame form a run of consecutive rows. Comparing the boxes of two frames is
then a batched matrix product of blocks, and no N x N array is allocated.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

__all__ = ["blocks_of_runs", "chunks", "frame_runs", "softmax_blocks"]

_CHUNK = 2**22  # largest number of elements in a chunk of blocks: 16 MB in float32


def frame_runs(frame: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Number, first row and row count of each frame that has boxes, each ``[R]``; ``frame [N]`` must be sorted."""
    number, count = torch.unique_consecutive(frame, return_counts=True)
    return number, count.cumsum(0) - count, count


def chunks(num_blocks: int, block_size: int) -> Iterator[tuple[int, int]]:
    """Start and end of successive chunks of blocks."""
    step = max(1, _CHUNK // max(1, block_size))
    for start in range(0, num_blocks, step):
        yield start, min(start + step, num_blocks)


def blocks_of_runs(values: Tensor, first: Tensor, count: Tensor) -> Tensor:
    """Rows of successive runs as ``[R, n, ...]`` with n the longest run; the padding of shorter runs is arbitrary."""
    height, start = int(count.max()), int(first[0])
    if int(count.min()) == height:  # equal lengths: a view, no padding
        return values[start : start + len(count) * height].unflatten(0, (len(count), height))
    row = first[:, None] + torch.arange(height, device=first.device)
    return values[row.clamp(max=len(values) - 1)]


def softmax_blocks(
    similarity: Tensor, num_rows: Tensor, num_cols: Tensor, temperature: float = 1.0
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Softmax of the rows of each block over its real entries.

    Args:
        similarity: IoUs or cosines, at most 1; divided by ``temperature`` before the softmax.
        num_rows: Number of real rows of each block.
        num_cols: Number of real columns of each block.
        temperature: Temperature of the softmax.

    Shapes: similarity ``[R, n, m]``, num_rows, num_cols ``[R]`` -> block, row, column and weight of each real
        entry ``[E]``, sorted by (block, row, column).
    """
    row = torch.arange(similarity.size(1), device=similarity.device)[:, None]
    col = torch.arange(similarity.size(2), device=similarity.device)
    real_col = col < num_cols[:, None, None]
    if temperature == 1:
        weight = similarity.exp().masked_fill_(
            ~real_col, 0
        )  # no maximum to subtract: exp(similarity) is at most e
        weight /= weight.sum(dim=-1, keepdim=True)
    else:
        weight = (similarity / temperature).masked_fill_(~real_col, -torch.inf).softmax(dim=-1)
    real = real_col & (row < num_rows[:, None, None])
    block, i, j = real.nonzero(as_tuple=True)
    return block, i, j, weight.masked_select(real)
