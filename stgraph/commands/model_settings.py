"""From a configuration to a model: checked settings, and the object branch of a teacher that was trained first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import ValidationError

from stgraph.captioner import Captioner
from stgraph.errors import OptionError
from stgraph.models import GraphSettings, STGraphCaptioner, STGraphCaptionerSettings
from stgraph.text import CaptionTokenizer

__all__ = ["check_model", "graph_settings", "model_settings", "take_teacher"]

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
    stand_in = dict.fromkeys(("appearance", "motion", "object"), 1)
    with torch.device("meta"):
        STGraphCaptioner(model_settings(values, stand_in, num_words=5, max_words=1))


def model_settings(
    values: dict[str, Any], widths: dict[str, int], num_words: int, max_words: int
) -> STGraphCaptionerSettings:
    """The model's settings, its input widths read off the store."""
    values = dict(values)
    name = values.pop("name", STGraphCaptioner.name)
    if name != STGraphCaptioner.name:
        raise OptionError(f"'model.name' must be '{STGraphCaptioner.name}', got {name!r}.")
    for branch, stream in (("scene", "appearance"), ("object", "object")):
        if {branch, "joint"} & set(values.get("branches", ())) and not widths.get(stream):
            other = "object" if branch == "scene" else "scene"
            have = ", ".join(sorted(widths))
            raise OptionError(
                f"The {branch} branch (or the joint one) needs '{stream}' features, but the store has only {have}; "
                f"extract them, or train what is there alone by 'model.branches=[{other}]'."
            )
    inputs = {f"{stream}_channels": widths.get(stream, 0) for stream in ("appearance", "motion", "object")}
    try:
        return STGraphCaptionerSettings.model_validate(
            {"num_words": num_words, "max_words": max_words, **inputs, **values}
        )
    except ValidationError as error:
        raise OptionError(_one_line("model", error)) from error


def take_teacher(
    model: STGraphCaptioner,
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
