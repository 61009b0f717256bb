"""The kinds of files that the bench mutates."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.fuzz.target import Target

__all__ = ["NAMES", "make_target"]

NAMES = (
    "captions",
    "splits",
    "detections",
    "tracks",
    "graphs",
    "stores",
    "videos",
    "models",
    "checkpoints",
    "configurations",
)


def make_target(name: str, folder: Path) -> Target:
    """The target of a name; its module is imported when it is first used."""
    target: type[Target] = import_module(f"tests.fuzz.targets.{name}").TARGET
    return target(folder / name)
