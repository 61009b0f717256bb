"""What a run takes from one that was trained before: all weights to begin with, or the object branch of a teacher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stgraph.errors import OptionError
from stgraph.models import GraphConfig, STGraphCaptioner
from stgraph.models.model_folder import AnyCaptioner
from stgraph.pipeline import CaptionPipeline
from stgraph.text import CaptionTokenizer

__all__ = ["take_teacher", "take_weights"]

# Settings of a model that its object branch does not depend on once it is trained.
NOT_THE_TEACHERS = {"branches", "appearance_channels", "motion_channels", "dropout"}


def take_weights(
    model: AnyCaptioner,
    start: CaptionPipeline,
    graph: GraphConfig,
    tokenizer: CaptionTokenizer,
    extractors: Mapping[str, Any],
) -> None:
    """Gives ``model`` the weights of a trained one of the same settings (dropout aside), which it goes on from.

    Raises: OptionError: The trained model is another, has another vocabulary or graph. DataError: It was trained on
        features of other extractors than the ``extractors`` of the store.
    """
    if start.model.name != model.name:
        raise OptionError(
            f"'start' is a '{start.model.name}', and the model here a '{model.name}'; give both the same."
        )
    for branch in model.branches:
        start.check_extractors(extractors, branch)
    _check_alike("start", start, model, graph, tokenizer, {"dropout"})
    model.load_state_dict(start.model.state_dict())


def take_teacher(
    model: AnyCaptioner,
    teacher: CaptionPipeline,
    graph: GraphConfig,
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
    _check_alike("teacher", teacher, model, graph, tokenizer, NOT_THE_TEACHERS)
    prefixes = ("encoders.object.", "decoders.object.")
    state = {name: value for name, value in teacher.model.state_dict().items() if name.startswith(prefixes)}
    model.load_state_dict(state, strict=False)
    model.freeze("object")


def _check_alike(
    key: str,
    trained: CaptionPipeline,
    model: AnyCaptioner,
    graph: GraphConfig,
    tokenizer: CaptionTokenizer,
    exclude: set[str],
) -> None:
    if trained.tokenizer.words != tokenizer.words:
        raise OptionError(f"'{key}' has another vocabulary; train it on the same captions and min_count.")
    if trained.description.graph != graph:
        raise OptionError(
            f"'{key}' was trained on another graph, {trained.description.graph}; use the same here."
        )
    there, here = (of.settings.model_dump(exclude=exclude) for of in (trained.model, model))
    if other := [name for name in here if here[name] != there[name]]:
        raise OptionError(
            f"'{key}' has {other[0]} {there[other[0]]}, and the model here {here[other[0]]}; give both the same."
        )
