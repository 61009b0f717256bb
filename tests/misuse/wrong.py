"""Wrong values for an argument, made from a right one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["Stranger", "wrong_values"]


class Stranger:
    """An object that nothing expects."""

    def __repr__(self) -> str:
        return "Stranger()"


def wrong_values(right: Any) -> Iterator[tuple[str, Any]]:
    """Names and values; some may be right by chance, and then the call must give a right result."""
    yield from ANYTHING
    if isinstance(right, Tensor):
        yield from _tensors(right)
    elif isinstance(right, np.ndarray):
        yield from _arrays(right)
    elif isinstance(right, (bool, int)):
        yield from ((f"number {number}"[:20], number) for number in NUMBERS)
    elif isinstance(right, float):
        yield from (
            (f"number {number}"[:20], number) for number in (*NUMBERS, math.nan, math.inf, -math.inf, 1e-320)
        )
    elif isinstance(right, (str, Path)):
        yield from TEXTS
    elif isinstance(right, Mapping):
        yield from _mappings(right)
    elif isinstance(right, Sequence):
        yield from _sequences(right)


ANYTHING: tuple[tuple[str, Any], ...] = (
    ("None", None),
    ("stranger", Stranger()),
    ("class", Stranger),
    ("str", "abc"),
    ("bytes", b"abc"),
    ("int", 3),
    ("float", 2.5),
    ("True", True),
    ("complex", 1j),
    ("2**63", 2**63),
    ("1e400", 1e400),
    ("list", [1, 2]),
    ("empty list", []),
    ("mixed list", [1, "a", None]),
    ("unhashable elements", [[1], {}]),
    ("dict", {"a": 1}),
    ("empty dict", {}),
    ("set", {1}),
    ("tensor", torch.zeros(2, 3)),
    ("scalar tensor", torch.tensor(1.0)),
    ("array", np.zeros((2, 3))),
    ("text array", np.array(["a", "b"])),
)
NUMBERS = (0, -1, 1, 7, -(2**63) - 1, 2**62, 10**400)
TEXTS = (
    ("empty text", ""),
    ("NUL", "a\0b"),
    ("surrogate", "\ud800"),
    ("long text", "x" * 5000),
    ("escape", "\x1b[31m"),
    ("folder", "."),
)


def _tensors(right: Tensor) -> Iterator[tuple[str, Any]]:
    yield "as list", right.tolist()
    yield "as array", right.detach().numpy()
    for dtype in (torch.int64, torch.int32, torch.float16, torch.float64, torch.complex64, torch.bool):
        if dtype != right.dtype:
            yield f"as {dtype}", right.detach().to(dtype)
    yield "meta", right.detach().to("meta")
    yield "one axis more", right[None]
    yield "another axis more", right[..., None]
    if right.dim():
        yield "one axis less", right[0] if len(right) else right.new_zeros(())
        yield "empty", right[:0]
        yield "one row more", torch.cat([right, right[-1:]])
        yield "one row less", right[:-1]
        yield "wider", torch.cat([right, right[..., -1:]], -1)
        yield "reversed axes", right.permute(*reversed(range(right.dim())))
    if right.is_floating_point():
        yield "NaN", torch.full_like(right, math.nan)
        yield "inf", torch.full_like(right, math.inf)
    elif right.dtype == torch.int64:
        yield "negative", -right - 1
        yield "large", right + 10**6
        yield "huge", torch.full_like(right, 2**62)


def _arrays(right: np.ndarray) -> Iterator[tuple[str, Any]]:
    few = (
        right if right.size < 20_000 else right[:1, ...]
    )  # a list of millions of numbers takes longer than a call
    yield "as list", few.tolist()
    yield "as tensor", torch.as_tensor(right)
    yield "as objects", few.astype(object)
    yield "as text", few.astype(str)
    yield "one axis more", right[None]
    yield "one axis less", right[0] if right.ndim and len(right) else right.reshape(-1)
    yield "empty", right[:0]
    yield "as float", right.astype(float)
    yield "as complex", right.astype(complex)


def _mappings(right: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    yield "numbered keys", dict(enumerate(right.values()))
    yield "values None", dict.fromkeys(right)
    yield "values stranger", dict.fromkeys(right, Stranger())
    yield "values text", dict.fromkeys(right, "abc")
    yield "values empty", {key: [] for key in right}
    yield "one less", dict(list(right.items())[1:])
    yield "other keys", {f"{key}?": value for key, value in right.items()}


def _sequences(right: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    values = list(right)
    yield "one less", values[:-1]
    yield "one more", [*values, *values[-1:]]
    yield "with None", [*values[:-1], None]
    yield "with stranger", [*values[:-1], Stranger()]
    yield "nested", [values]
    yield "as generator", iter(values)
    yield "as tuple", tuple(values)
    if values and isinstance(values[0], Tensor):
        for name, tensor in _tensors(values[0]):
            yield f"first {name}", [tensor, *values[1:]]
    elif values and isinstance(values[0], (int, float)) and not isinstance(values[0], bool):
        for number in (*NUMBERS, math.nan):
            yield f"first {number}"[:20], [number, *values[1:]]
    elif values and isinstance(values[0], str):
        yield "repeated", [*values, *values]
        yield "empty text", ["", *values[1:]]
