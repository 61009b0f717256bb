"""Tensors and paths of valid calls, made anew for each."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tests.misuse import world

__all__ = ["fresh", "pixels", "real", "rows", "whole"]

_NUMBER = itertools.count()


def rows(*shape: int) -> Callable[[], Tensor]:
    return lambda: torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def real(*shape: int) -> Callable[[], Tensor]:
    return lambda: torch.ones(*shape, dtype=torch.bool)


def whole(*values: int) -> Callable[[], Tensor]:
    return lambda: torch.tensor(values)


def fresh(ending: str = "") -> Callable[[], Path]:
    return lambda: world.folder() / f"new{next(_NUMBER)}{ending}"


def pixels(frames: int, height: int, width: int) -> Callable[[], np.ndarray]:
    return lambda: np.random.default_rng(0).integers(0, 255, (frames, height, width, 3), dtype=np.uint8)
