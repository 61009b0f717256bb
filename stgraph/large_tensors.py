"""Memory for large tensors, in pages that the system hands out quickly."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

__all__ = ["concatenated", "empty"]

_LARGE = 2**22  # bytes from which NumPy asks for huge pages
_NUMPY_TYPES = {torch.float32: np.float32, torch.float64: np.float64, torch.int64: np.int64}


def empty(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """An uninitialised tensor of the type and on the device of ``like``.

    If it is large and on a CPU, its memory is NumPy's, which asks the system for huge pages where it may. Memory that
    PyTorch takes is cleared by the system in pages of 4 KiB, which takes longer than most of what is computed into it.
    """
    kind = _NUMPY_TYPES.get(like.dtype)
    if kind is None or not like.is_cpu or math.prod(shape) * like.element_size() < _LARGE:
        return like.new_empty(shape)
    return torch.from_numpy(np.empty(shape, kind))


def concatenated(parts: list[Tensor], dim: int = 0) -> Tensor:
    """``torch.cat``, into such memory if the tensors are of one type and no gradient is needed."""
    if any(part.requires_grad or part.dtype != parts[0].dtype for part in parts):
        return torch.cat(parts, dim)
    shape = list(parts[0].shape)
    shape[dim] = sum(part.shape[dim] for part in parts)
    return torch.cat(parts, dim, out=empty(tuple(shape), parts[0]))
