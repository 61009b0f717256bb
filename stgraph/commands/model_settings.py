"""From a configuration to a model and its loss: checked settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from pydantic import ValidationError

from stgraph.errors import OptionError
from stgraph.features.streams import GRID
from stgraph.models import GraphConfig, STGraphCaptioner
from stgraph.models.model_folder import MODELS, AnyCaptioner
from stgraph.training import CaptionLoss, DistillationLoss, STATLoss, STaTSLoss

__all__ = ["check_model", "graph_settings", "make_loss", "make_model", "model_settings"]

LOSSES: dict[str, Callable[..., CaptionLoss]] = {
    "stgkd": DistillationLoss,
    "stat": STATLoss,
    "stats": STaTSLoss,
}
VECTORS = ("appearance", "motion", "object")  # streams of vectors; all others are grids


def graph_settings(values: dict[str, Any]) -> GraphConfig:
    """Checked arguments of the graph builder."""
    try:
        return GraphConfig(**values)
    except ValidationError as error:
        raise OptionError(_one_line("graph", error)) from error


def check_model(values: dict[str, Any]) -> AnyCaptioner:
    """The model without memory and with stand-ins for its inputs' widths: a wrong setting fails before the data."""
    stand_in = dict.fromkeys((*VECTORS, *(values.get("streams") or ())), 1)
    with torch.device("meta"):
        return make_model(
            values, model_settings(values, stand_in, vocab_size=5, max_length=1, categories=["any"])
        )


def make_model(values: dict[str, Any], settings: Any) -> AnyCaptioner:
    """The model that ``values`` name, of settings that :func:`model_settings` made of them."""
    return MODELS[values["name"]](settings)


def make_loss(values: dict[str, Any], model: str) -> CaptionLoss:
    """The loss that a configuration describes.

    Raises: OptionError: It is of another system than the model.
    """
    values = dict(values)
    name = values.pop("name")
    if name != model or name not in LOSSES:
        raise OptionError(f"'loss' must be of the model's system, '{model}', got {name!r}; use loss={model}.")
    return LOSSES[name](**values)


def model_settings(
    values: dict[str, Any],
    widths: dict[str, int],
    vocab_size: int,
    max_length: int,
    categories: Sequence[str] = (),
) -> Any:
    """The model's settings, its input widths read off the store.

    Raises: OptionError: An unknown model or setting, or a stream or categories that are needed and not there.
    """
    values = dict(values)
    name = values.pop("name")
    if name not in MODELS:
        raise OptionError(f"'model.name' must be one of {sorted(MODELS)}, got {name!r}.")
    inputs = _branch_inputs if name == STGraphCaptioner.name else _stream_inputs
    given: dict[str, Any] = {
        "vocab_size": vocab_size,
        "max_length": max_length,
        **inputs(name, values, widths),
    }
    if values.pop("categories", False):
        if not categories:
            raise OptionError(
                "'model.categories' must be false where no training video has a category, got true; give captions with "
                "categories."
            )
        given["num_categories"] = len(categories)
    try:
        return MODELS[name].config_class.model_validate({**given, **values})
    except ValidationError as error:
        raise OptionError(_one_line("model", error)) from error


def _branch_inputs(name: str, values: dict[str, Any], widths: dict[str, int]) -> dict[str, Any]:
    """Widths of a model of branches, each of which needs one stream."""
    for branch, stream in (("scene", "appearance"), ("object", "object")):
        if {branch, "joint"} & set(values.get("branches", ())) and not widths.get(stream):
            other = "object" if branch == "scene" else "scene"
            have = ", ".join(sorted(widths))
            raise OptionError(
                f"The {branch} branch (or the joint one) needs '{stream}' features, but the store has only {have}; "
                f"extract them, or train what is there alone by 'model.branches=[{other}]'."
            )
    return {f"{stream}_channels": widths.get(stream, 0) for stream in VECTORS}


def _stream_inputs(name: str, values: dict[str, Any], widths: dict[str, int]) -> dict[str, Any]:
    """Widths of a model that reads the streams which ``model.streams`` lists."""
    streams = values.pop("streams") or []
    grids = "grid_channels" in MODELS[name].config_class.model_fields
    for stream in streams:
        if stream not in VECTORS and not (grids and str(stream).startswith(GRID)):
            known = ", ".join((*VECTORS, "grid/NAME") if grids else VECTORS)
            raise OptionError(f"'model.streams' must be some of {known} for '{name}', got {stream!r}.")
        if not widths.get(stream):
            raise OptionError(
                f"'model.streams' asks for '{stream}' features, but the store has only {', '.join(sorted(widths))}; "
                f"extract them, or train on others by 'model.streams=[...]'."
            )
    found: dict[str, Any] = {f"{stream}_channels": widths[stream] for stream in VECTORS if stream in streams}
    if grids:
        found["grid_channels"] = {stream: widths[stream] for stream in streams if stream not in VECTORS}
    return found


def _one_line(group: str, error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join([group, *(str(part) for part in first["loc"])])
    return f"'{where}': {first['msg'].lower()}, got {str(first['input'])[:80]!r}."
