"""Checks that a model's arguments fit the weights of its folder before the model is built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from stgraph.errors import ModelFolderError, StgraphError
from stgraph.models.video_model import VideoModel

__all__ = ["check_arguments", "check_kept", "weight_shapes"]

SPARE = 1 << 24
"""Values that a model may have besides its saved weights, such as tables of positions."""


def weight_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Reads the shapes of all weights from the header of a safetensors file.

    Raises:
        ModelFolderError: If it is not such a file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelFolderError(
            f"{path} is not a safetensors file ({error}); the folder is damaged."
        ) from error


def check_arguments(
    model_class: type[VideoModel],
    arguments: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    path: Path,
) -> None:
    """Compares the sizes that the arguments ask for with the weights, without allocating anything.

    Args:
        model_class: The model.
        arguments: Arguments of its constructor.
        shapes: Shape of each of its weights.
        path: The file of the arguments, for messages.

    Raises:
        ModelFolderError: If they ask for more than the weights hold.
        OptionError: If the model refuses them.
    """
    total = sum(torch.Size(shape).numel() for shape in shapes.values())
    for name, number in _numbers(arguments):
        # Each layer has weights of its own, and each channel, word or category has a value in them.
        most = len(shapes) if "layers" in name else max(total, 10_000)
        if abs(number) > most:
            raise ModelFolderError(
                f"{path}, arguments: '{name}' is {number}, but the weights have only {len(shapes)} tensors with {total} "
                "values; the folder is damaged."
            )
    try:
        with torch.device("meta"):
            model = model_class(**arguments)
    except StgraphError:
        raise
    except Exception:  # noqa: BLE001  a model of another package may need real tensors; its arguments are bounded
        return
    asked = sum(value.numel() for value in _tensors(model))
    if asked > total + SPARE:
        raise ModelFolderError(
            f"{path}, arguments: they ask for {asked} values, but the weights have {total}; the folder is damaged."
        )


def check_kept(given: Mapping[str, Any], kept: Mapping[str, Any], path: Path) -> None:
    """Checks that the arguments were saved as they are meant: true is no number, and a text is none either.

    Raises:
        ModelFolderError: If an argument was converted.
    """
    for name, value in given.items():
        meant = kept.get(name)
        if isinstance(value, bool) != isinstance(meant, bool) or value != meant:
            raise ModelFolderError(
                f"{path}, arguments: '{name}' is {str(value)[:80]!r} and was saved as {str(meant)[:80]!r}; the folder is "
                "damaged."
            )


def _numbers(arguments: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in arguments.items():
        for number in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(number, (int, float)) and not isinstance(number, bool):
                yield name, number


def _tensors(model: torch.nn.Module) -> Iterable[torch.Tensor]:
    yield from model.parameters()
    yield from model.buffers()
