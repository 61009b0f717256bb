"""The likeliest words of a vocabulary."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["likeliest"]

BLOCK = 100
"""Words of a block. The largest value of a block is found by vector instructions, unlike its place and unlike a sort."""


def likeliest(log_probs: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The ``count`` largest values of each row and their columns, the largest first, as ``log_probs.topk(count)``.

    On a CPU only the blocks of words with the largest maxima are searched, since the largest values are in them.

    Args:
        log_probs: ``[P, V]``.
        count: Number of words k; fewer are returned if V is smaller.

    Returns:
        Values ``[P, k]`` and words ``[P, k]``; of equal values the first word for k = 1, else any.
    """
    size = log_probs.size(1)
    blocks = size // BLOCK
    if not log_probs.is_cpu or blocks <= count:
        return _largest(log_probs, min(count, size))
    maxima = log_probs[:, : blocks * BLOCK].unflatten(1, (blocks, BLOCK)).amax(2)
    first = _largest(maxima, count)[1].sort(1).values * BLOCK
    places = (first[..., None] + torch.arange(BLOCK)).flatten(1)
    rest = torch.arange(blocks * BLOCK, size).expand(len(places), -1)
    places = torch.cat([places, rest], dim=1)
    values, found = _largest(log_probs.gather(1, places), count)
    return values, places.gather(1, found)


def _largest(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    if count == 1:
        found, place = values.max(1, keepdim=True)  # the first of equal ones, and quicker
        return found, place
    found, place = values.topk(count)
    return found, place
