"""From a configuration to a model and its loss: checked settings, and the object branch of a teacher trained first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from pydantic import ValidationError

from stgraph.captioner import Captioner
from stgraph.errors import OptionError
from stgraph.models import GraphSettings, STGraphCaptioner
from stgraph.models.folder import MODELS, AnyCaptioner
from stgraph.text import CaptionTokenizer
from stgraph.training import CaptionLoss, DistillationLoss, STATLoss, STaTSLoss

__all__ = ["check_model", "graph_settings", "make_loss", "make_model", "model_settings", "take_teacher"]

LOSSES: dict[str, Callable[..., CaptionLoss]] = {
    "stgkd": DistillationLoss,
    "stat": STATLoss,
    "stats": STaTSLoss,
}
VECTORS = ("appearance", "motion", "object")  # streams of vectors; all others are grids
GRID = "grid/"

# Settings of a model that its object branch does not depend on once it is trained.
NOT_THE_TEACHERS = {"branches", "appearance_channels", "motion_channels", "dropout"}


def graph_settings(values: dict[str, Any]) -> GraphSettings:
    """Checked arguments of the graph builder."""
    try:
        return GraphSettings(**values)
    except ValidationError as error:
        raise OptionError(_one_line("graph", error)) from error


def check_model(values: dict[str, Any]) -> None:
    """Builds the model without memory and with stand-ins for its inputs' widths: a wrong setting fails before the data."""
    stand_in = dict.fromkeys((*VECTORS, *(values.get("streams") or ())), 1)
    with torch.device("meta"):
        make_model(values, model_settings(values, stand_in, num_words=5, max_words=1, categories=["any"]))


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
    num_words: int,
    max_words: int,
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
    given: dict[str, Any] = {"num_words": num_words, "max_words": max_words, **inputs(name, values, widths)}
    if values.pop("categories", False):
        if not categories:
            raise OptionError(
                "'model.categories' must be false where no training video has a category, got true; give captions with "
                "categories."
            )
        given["num_categories"] = len(categories)
    try:
        return MODELS[name].settings_class.model_validate({**given, **values})
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
    grids = "grid_channels" in MODELS[name].settings_class.model_fields
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


def take_teacher(
    model: AnyCaptioner,
    teacher: Captioner,
    graph: GraphSettings,
    tokenizer: CaptionTokenizer,
    extractors: Mapping[str, Any],
) -> None:
    """Gives ``model`` the object branch of a trained one, which then stays as it is.

    Raises: OptionError: The trained model has no such branch, another vocabulary, graph or size. DataError: It was
        trained on features of other extractors than the ``extractors`` of the store.
    """
    for wanted, branches in (("the model", model.branches), ("'teacher'", teacher.model.branches)):
        if "object" not in branches or "scene" not in {*model.branches}:
            raise OptionError(
                f"A teacher needs the branches [scene, object] here and an object branch there, but {wanted} has "
                f"{list(branches)}."
            )
    assert isinstance(model, STGraphCaptioner), "no other model has such branches"
    teacher.check_extractors(extractors, "object")
    if teacher.tokenizer.words != tokenizer.words:
        raise OptionError("'teacher' has another vocabulary; train it on the same captions and min_count.")
    if teacher.description.graph != graph:
        raise OptionError(
            f"'teacher' was trained on another graph, {teacher.description.graph}; use the same here."
        )
    there, here = (of.settings.model_dump(exclude=NOT_THE_TEACHERS) for of in (teacher.model, model))
    if other := [name for name in here if here[name] != there[name]]:
        raise OptionError(
            f"'teacher' has {other[0]} {there[other[0]]}, and the model here {here[other[0]]}; give both the same."
        )
    prefixes = ("encoders.object.", "decoders.object.")
    state = {name: value for name, value in teacher.model.state_dict().items() if name.startswith(prefixes)}
    model.load_state_dict(state, strict=False)
    model.freeze("object")


def _one_line(group: str, error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join([group, *(str(part) for part in first["loc"])])
    return f"'{where}': {first['msg'].lower()}, got {str(first['input'])[:80]!r}."
