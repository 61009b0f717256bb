"""Masked softmax and mean."""

from __future__ import annotations

import torch
from torch import Tensor

from stgraph.checking import axes, checked
from stgraph.errors import OptionError, ShapeError
from stgraph.typing import FloatTensor, MaskTensor, Temperature

__all__ = ["masked_mean", "masked_softmax"]


@checked
def masked_softmax(scores: FloatTensor, mask: MaskTensor | None, temperature: Temperature = 1.0) -> Tensor:
    r"""Softmax over the real entries of the last axis; a row without any is zeros, not NaN.

    .. math:: a_j = \frac{m_j e^{s_j / \tau}}{\sum_k m_k e^{s_k / \tau}}

    Shapes: scores and mask ``[..., S]`` (True where real; None where all are) -> ``[..., S]``.

    Raises:
        ShapeError: If ``mask`` doesn't fit ``scores``.

    Reference: our own design.

    >>> import torch
    >>> masked_softmax(torch.zeros(2, 2), torch.tensor([[True, False], [False, False]])).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    scores = scores / temperature
    if mask is None:
        return scores.softmax(-1)
    if mask.shape != scores.shape and not _broadcasts(mask, scores):
        raise ShapeError(f"'mask' must be {list(scores.shape)} as 'scores', got {list(mask.shape)}.")
    # The lowest number instead of -inf keeps rows without anything real, and their gradients, finite.
    hidden = ~mask
    return scores.masked_fill(hidden, torch.finfo(scores.dtype).min).softmax(-1).masked_fill(hidden, 0.0)


def _broadcasts(mask: Tensor, scores: Tensor) -> bool:
    sizes = zip(reversed(mask.shape), reversed(scores.shape), strict=False)
    return mask.dim() <= scores.dim() and all(one in (1, other) for one, other in sizes)


@checked
@axes(x="... D", mask="...")
def masked_mean(x: FloatTensor, mask: MaskTensor, dim: int) -> Tensor:
    """Mean of the real vectors along an axis; zeros where there are none.

    Shapes: x ``[..., D]``, mask ``[...]`` with the same leading axes -> x without axis ``dim``.

    Raises:
        OptionError: If ``x`` has no axis ``dim``.
        ShapeError: If ``mask`` has other axes.

    Reference: our own design.

    >>> import torch
    >>> masked_mean(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[True, True, False]]), 1).tolist()
    [[2.0]]
    """
    if not -x.dim() <= dim < x.dim():
        raise OptionError(f"'dim' must be an axis of 'x' {list(x.shape)}, got {dim}.")
    real = mask.unsqueeze(-1)
    return x.masked_fill(~real, 0.0).sum(dim) / real.sum(dim).clamp(min=1)
