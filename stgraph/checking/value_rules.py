"""Rules of single values: numbers, texts, paths, devices and tensors."""

from __future__ import annotations

import inspect
import numbers
import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["DEVICE", "PATH", "SIMPLE", "TENSOR", "TENSORS", "Rule", "is_tensor", "number_of_gpus"]

_SURROGATE = re.compile("[\ud800-\udfff]")
LARGEST = 1 << 63
"""Integers at or above this don't fit any tensor."""
LONGEST_NAME = 255
"""Largest number of bytes in the name of a file or folder."""


@dataclass(frozen=True)
class Rule:
    """What an argument may be.

    Args:
        accepts: Whether a value fits.
        text: What it must be, continuing "'name' must be".
        tensor: Whether the argument takes a tensor.
        parts: The elements of a container with their names and rules, so that a message names the wrong one.
        tensors: Whether the argument takes a container of tensors.
    """

    accepts: Callable[[Any], bool]
    text: str
    tensor: bool = False
    parts: Callable[[Any], Iterable[tuple[str, Rule, Any]]] = lambda value: ()
    tensors: bool = False

    def remedy(self, value: object) -> str:
        """What to do about a value that doesn't fit, where the text alone doesn't say it."""
        if self.tensor and isinstance(value, (list, tuple, np.ndarray)):
            return "; convert it with torch.as_tensor(...)"
        if self.tensor and is_tensor(value):
            return "; convert it with .float(), .long() or .bool()"
        if isinstance(value, str) and _SURROGATE.search(value):
            return ", which is no valid Unicode; take out its lone surrogates"
        if is_tensor(value):
            return "; pass .item() or .tolist() of it"
        return ""


def is_tensor(value: object) -> bool:
    """Whether a value is a tensor. Torch is not imported: without it there are none."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_integer(value: Any) -> bool:
    return (
        isinstance(value, numbers.Integral)
        and not isinstance(value, bool)
        and -LARGEST <= int(value) < LARGEST
    )


def is_number(value: Any) -> bool:
    if isinstance(value, float):
        return True
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return False
    return not isinstance(value, int) or -LARGEST <= value < LARGEST


def is_text(value: Any) -> bool:
    return isinstance(value, str) and (value.isascii() or not _SURROGATE.search(value))


def is_path(value: Any) -> bool:
    if not isinstance(value, (str, os.PathLike)):
        return False
    try:
        name = os.fsencode(value)
        return b"\0" not in name and max(map(len, name.split(b"/"))) <= LONGEST_NAME
    except (TypeError, ValueError):  # a lone surrogate, or an object whose __fspath__ fails
        return False


def _is_device(value: Any) -> bool:
    import torch

    if isinstance(value, str):
        try:
            value = torch.device(value)
        except RuntimeError:
            return False
    if not isinstance(value, torch.device):
        return False
    if value.type == "cuda":
        return (value.index or 0) < number_of_gpus()
    return value.type == "cpu" or (value.type != "meta" and _has(value.type))


def number_of_gpus() -> int:
    """How many CUDA devices torch can use here."""
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


@cache
def _has(kind: str) -> bool:
    import torch

    module = getattr(torch, kind, None)
    return module is not None and bool(getattr(module, "is_available", lambda: False)())


DEVICE = Rule(_is_device, "a device of this machine, such as 'cpu' or 'cuda:0' where there is a GPU")
PATH = Rule(is_path, "a path whose names are at most 255 bytes, without NUL")
TENSOR = Rule(is_tensor, "a tensor", True)
TENSORS = {
    "floating": Rule(
        lambda value: is_tensor(value) and value.is_floating_point(), "a floating-point tensor", True
    ),
    "integer": Rule(
        lambda value: is_tensor(value) and value.dtype is sys.modules["torch"].int64, "an int64 tensor", True
    ),
    "int": Rule(
        lambda value: (
            is_tensor(value) and value.dtype in (sys.modules["torch"].int64, sys.modules["torch"].int32)
        ),
        "an int64 tensor",
        True,
    ),
    "real": Rule(
        lambda value: (
            is_tensor(value) and not value.is_complex() and value.dtype is not sys.modules["torch"].bool
        ),
        "a tensor of real numbers",
        True,
    ),
    "boolean": Rule(
        lambda value: is_tensor(value) and value.dtype is sys.modules["torch"].bool, "a bool tensor", True
    ),
}
SIMPLE: dict[Any, Rule | None] = {
    Any: None,
    object: None,
    inspect.Parameter.empty: None,
    None: Rule(lambda value: value is None, "None"),
    type(None): Rule(lambda value: value is None, "None"),
    bool: Rule(lambda value: isinstance(value, (bool, np.bool_)), "True or False"),
    int: Rule(is_integer, "a whole number"),
    float: Rule(is_number, "a number"),
    str: Rule(is_text, "a string"),
    os.PathLike: PATH,
    Path: Rule(
        lambda value: isinstance(value, Path) and is_path(value),
        "a pathlib.Path whose names are at most 255 bytes",
    ),
}
