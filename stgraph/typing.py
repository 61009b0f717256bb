"""Shape checks that name the argument, the axes it should have and what came instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stgraph.errors import ShapeError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["check_shape"]


def check_shape(name: str, value: Tensor, axes: str, **sizes: int | None) -> None:
    """Checks that ``value`` has the named axes, and those sizes that are given.

    Args:
        name: Argument as the caller wrote it.
        value: Anything with a ``shape``.
        axes: Axis names with spaces between, as in ``"N F_in"``; a number is a fixed size.
        sizes: Known sizes by axis name; an axis without one, or with None, may have any size.

    Raises:
        ShapeError: If ``value`` is no array, or the number of axes or a known size differs.

    >>> import torch
    >>> check_shape("x", torch.zeros(3, 1), "N F_in", F_in=2)
    Traceback (most recent call last):
        ...
    stgraph.errors.ShapeError: 'x' must be [N, F_in=2], got [3, 1]
    """
    names = axes.split()
    wanted = [int(axis) if axis.isdigit() else sizes.get(axis) for axis in names]
    shape = tuple(value.shape) if hasattr(value, "shape") else None
    fits = (
        shape is not None
        and len(shape) == len(wanted)
        and all(size is None or size == got for size, got in zip(wanted, shape, strict=False))
    )
    if not fits:
        shown = ", ".join(
            axis if size is None or axis.isdigit() else f"{axis}={size}"
            for axis, size in zip(names, wanted, strict=True)
        )
        got = f"{type(value).__name__}, which has no shape" if shape is None else list(shape)
        raise ShapeError(f"'{name}' must be [{shown}], got {got}")
