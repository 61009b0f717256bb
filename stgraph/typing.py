"""Shape checks with errors that name the argument, the expected axes and the actual shape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Gt, Le, Lt

from stgraph.errors import ShapeError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

__all__ = [
    "Count",
    "FloatTensor",
    "IndexTensor",
    "IntTensor",
    "Level",
    "MaskTensor",
    "Natural",
    "OptionalWidth",
    "Positive",
    "Probability",
    "RealTensor",
    "Rows",
    "Temperature",
    "Width",
    "check_shape",
]


@dataclass(frozen=True)
class Kind:
    """The values of a tensor: "floating", "integer" (int64), "int" (int64 or int32), "boolean" or "real" (not complex)."""

    name: str


FloatTensor = Annotated["Tensor", Kind("floating")]
"""Features, scores and weights, of any floating-point precision."""
IndexTensor = Annotated["Tensor", Kind("integer")]
"""Positions, ids and counts, int64."""
IntTensor = Annotated["Tensor", Kind("int")]
"""Ids of words and positions that are only looked up, int64 or int32."""
RealTensor = Annotated["Tensor", Kind("real")]
"""Numbers of any precision, whole ones included, but not complex ones."""
MaskTensor = Annotated["Tensor", Kind("boolean")]
"""True where data are real."""
LARGEST_WIDTH = 1 << 24
"""Largest number of channels, layers, words or videos."""
Width = Annotated[int, Ge(1), Le(LARGEST_WIDTH)]
"""A number of channels, layers, words or videos, of which there are at least one and at most 16 million."""
Rows = Annotated[int, Ge(0), Le((1 << 31) - 1)]
"""A number of nodes, frames or groups."""
OptionalWidth = Annotated[int, Ge(0), Le(LARGEST_WIDTH)]
"""A width, or 0 for a part that is left out."""
Natural = Annotated[int, Ge(0)]
"""A seed, an index, or a number of something that may be none."""
Count = Annotated[int, Ge(1)]
"""How many of something, at least one."""
Probability = Annotated[float, Ge(0), Lt(1)]
"""A dropout probability."""
Level = Annotated[float, Gt(0), Lt(1)]
"""A confidence level, or a share that is neither nothing nor all."""
Temperature = Annotated[float, Ge(1e-20), Lt(float("inf"))]
"""What scores are divided by before a softmax; by a smaller number they would overflow."""
Positive = Annotated[float, Gt(0), Lt(float("inf"))]
"""A finite number above 0."""


@cache
def _axis_names(axes: str) -> tuple[str | int, ...]:
    """Names of axes, and fixed sizes as numbers."""
    return tuple(int(axis) if axis.isdigit() else axis for axis in axes.split())


def check_shape(name: str, value: Tensor | np.ndarray, axes: str, **sizes: int | None) -> None:
    """Checks that ``value`` has the named axes, and the given sizes.

    Args:
        name: Name of the argument, for the error message.
        value: Tensor, array or other object with a ``shape``.
        axes: Axis names separated by spaces, as in ``"N F_in"``; a number is a fixed size.
        sizes: Known sizes by axis name; an axis that is missing here or has None may have any size.

    Raises:
        ShapeError: If ``value`` has no shape, another number of axes, or another size on an axis of known size.

    >>> import torch
    >>> check_shape("x", torch.zeros(3, 1), "N F_in", F_in=2)
    Traceback (most recent call last):
        ...
    stgraph.errors.ShapeError: 'x' must be [N, F_in=2], got [3, 1]
    """
    names = _axis_names(axes)
    shape: tuple[int, ...] | None = getattr(value, "shape", None)
    fits = shape is not None and len(shape) == len(names)
    if shape is not None and fits:
        for axis, got_size in zip(names, shape, strict=True):
            size = sizes.get(axis) if isinstance(axis, str) else axis
            if size is not None and size != got_size:
                fits = False
                break
    if not fits:
        shown = ", ".join(
            str(axis) if isinstance(axis, int) or sizes.get(axis) is None else f"{axis}={sizes[axis]}"
            for axis in names
        )
        got = f"{type(value).__name__}, which has no shape" if shape is None else list(shape)
        raise ShapeError(f"'{name}' must be [{shown}], got {got}")
