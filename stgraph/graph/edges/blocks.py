"""Pads frames with different numbers of boxes to blocks of equal height, processed in chunks of bounded size.

Boxes are sorted by frame, so the boxes of a frame form a run of consecutive rows. Comparing the boxes of two frames is
then a batched matrix product of blocks, and no N x N array is allocated.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

__all__ = ["blocks_of_runs", "chunks", "frame_runs", "softmax_blocks"]

_CHUNK = (
    2**17
)  # largest number of elements in a chunk of blocks: half a megabyte in float32, which a cache holds


def frame_runs(frame: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Number, first row and row count of each frame that has boxes, each ``[R]``; ``frame [N]`` must be sorted."""
    number, count = torch.unique_consecutive(frame, return_counts=True)
    return number, count.cumsum(0) - count, count


def chunks(num_blocks: int, block_size: int) -> Iterator[tuple[int, int]]:
    """Start and end of successive chunks of blocks."""
    step = max(1, _CHUNK // max(1, block_size))
    for start in range(0, num_blocks, step):
        yield start, min(start + step, num_blocks)


def blocks_of_runs(values: Tensor, first: Tensor, count: Tensor, height: int | None = None) -> Tensor:
    """Rows of successive runs as ``[R, n, ...]``; the padding of shorter runs is arbitrary.

    Args:
        values: Rows of all runs.
        first: First row of each run.
        count: Number of its rows.
        height: n; None is the longest run.
    """
    height, start = int(count.max()) if height is None else height, int(first[0])
    if int(count.min()) == height:  # equal lengths: a view, no padding
        return values[start : start + len(count) * height].unflatten(0, (len(count), height))
    row = first[:, None] + torch.arange(height, device=first.device)
    return values[row.clamp(max=len(values) - 1)]


def softmax_blocks(
    similarity: Tensor, rows: tuple[Tensor, Tensor], cols: tuple[Tensor, Tensor], temperature: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Softmax of the rows of each block over its real entries, as edges.

    Args:
        similarity: IoUs or cosines, at most 1; divided by ``temperature`` before the softmax.
        rows: First box of the rows of each block, and number of its real rows.
        cols: First box of the columns of each block, and number of its real columns.
        temperature: Temperature of the softmax.

    Shapes: similarity ``[R, n, m]``, rows and cols ``[R]`` twice -> boxes of the row and column of each real entry
        ``[2, E]`` and its weight ``[E]``, sorted by (block, row, column).
    """
    (first_row, num_rows), (first_col, num_cols) = rows, cols
    row = torch.arange(similarity.size(1), device=similarity.device)
    col = torch.arange(similarity.size(2), device=similarity.device)
    real_col = col < num_cols[:, None, None]
    if temperature == 1:
        weight = similarity.exp().masked_fill_(
            ~real_col, 0
        )  # no maximum to subtract: exp(similarity) is at most e
        weight /= weight.sum(dim=-1, keepdim=True)
    else:
        weight = (similarity / temperature).masked_fill_(~real_col, -torch.inf).softmax(dim=-1)
    real = real_col & (row[:, None] < num_rows[:, None, None])
    i = (first_row[:, None] + row)[:, :, None].expand_as(weight)
    j = (first_col[:, None] + col)[:, None].expand_as(weight)
    if bool(real.all()):
        return torch.stack([i, j]).flatten(1), weight.flatten()
    kept = real.flatten().nonzero()[:, 0]
    i, j, weight = (each.flatten().index_select(0, kept) for each in (i, j, weight))
    return torch.stack([i, j]), weight
