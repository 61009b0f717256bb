"""Frames with unlike numbers of boxes as blocks of one height, in bounded memory.

Boxes are sorted by frame, so each frame that has any is a run of rows. Work between the boxes of two frames
is then a
batched product of blocks, and its memory is a share of T: no N x N array is made.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

__all__ = ["blocks_of_runs", "chunks", "frame_runs", "softmax_blocks"]

_CHUNK = 2**22  # numbers a chunk of blocks may hold: 16 MB in float32


def frame_runs(frame: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Number, first row and row count of each frame that occurs in the sorted ``frame [N]``, each ``[R]``."""
    number, count = torch.unique_consecutive(frame, return_counts=True)
    return number, count.cumsum(0) - count, count


def chunks(num_blocks: int, block_size: int) -> Iterator[tuple[int, int]]:
    """Start and end of successive chunks of blocks."""
    step = max(1, _CHUNK // max(1, block_size))
    for start in range(0, num_blocks, step):
        yield start, min(start + step, num_blocks)


def blocks_of_runs(values: Tensor, first: Tensor, count: Tensor) -> Tensor:
    """Rows of successive runs as ``[R, n, ...]``, n the longest run; shorter ones go on with any rows."""
    height, start = int(count.max()), int(first[0])
    if int(count.min()) == height:  # nothing to fill up, nothing to copy
        return values[start : start + len(count) * height].unflatten(0, (len(count), height))
    row = first[:, None] + torch.arange(height, device=first.device)
    return values[row.clamp(max=len(values) - 1)]


def softmax_blocks(
    similarity: Tensor, num_rows: Tensor, num_cols: Tensor, temperature: float = 1.0
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Row softmax over the first ``num_cols`` columns of each block, for its first ``num_rows`` rows.

    The entries are IoUs or cosines, so at most 1; they are divided by ``temperature`` first.

    Shapes: similarity ``[R, n, m]``, num_rows, num_cols ``[R]`` -> block, row, column and weight of each real
        entry ``[E]``, sorted by (block, row, column).
    """
    row = torch.arange(similarity.size(1), device=similarity.device)[:, None]
    col = torch.arange(similarity.size(2), device=similarity.device)
    real_col = col < num_cols[:, None, None]
    if temperature == 1:
        weight = similarity.exp().masked_fill_(~real_col, 0)  # no maximum to take off: nothing exceeds e
        weight /= weight.sum(dim=-1, keepdim=True)
    else:
        weight = (similarity / temperature).masked_fill_(~real_col, -torch.inf).softmax(dim=-1)
    real = real_col & (row < num_rows[:, None, None])
    block, i, j = real.nonzero(as_tuple=True)
    return block, i, j, weight.masked_select(real)
