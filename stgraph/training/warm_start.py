"""Weights taken from an earlier run: all of them to start from, or the object branch of a frozen teacher."""

from __future__ import annotations

from collections.abc import Collection

from stgraph.checking import checked
from stgraph.datasets.loading.data_module import CaptionDataModule
from stgraph.errors import OptionError
from stgraph.models import CaptioningModel, STGraphCaptioner
from stgraph.pipeline import CaptionPipeline

__all__ = ["load_teacher", "load_weights"]

# Arguments on which a trained object branch does not depend.
IRRELEVANT_TO_TEACHER = ("branches", "appearance_channels", "motion_channels", "dropout")


@checked
def load_weights(model: CaptioningModel, start: CaptionPipeline, data: CaptionDataModule) -> None:
    """Copies the weights of a trained model with the same arguments (dropout apart) into ``model``.

    Args:
        model: Is given the weights.
        start: The trained model.
        data: The data that ``model`` will be trained on.

    Raises:
        OptionError: If the trained model is of another kind, vocabulary, graph or size.
        DataError: If it was trained on features of other extractors.
    """
    if start.model.name != model.name:
        raise OptionError(
            f"'start' is a '{start.model.name}' and the model here a '{model.name}'; use the same model."
        )
    for branch in model.branches:
        start.check_extractors(data.source.extractors, branch)
    _check_alike("start", start, model, data, ("dropout",))
    model.load_state_dict(start.model.state_dict())


@checked
def load_teacher(
    model: CaptioningModel,
    teacher: CaptionPipeline,
    data: CaptionDataModule,
    *,
    copy_decoder: bool = False,
) -> None:
    """Copies the object branch of a trained model into ``model`` and freezes it.

    Args:
        model: Is given the branch.
        teacher: The trained model.
        data: The data that ``model`` will be trained on.
        copy_decoder: Whether the language model of the scene branch starts with the teacher's weights as well, and learns
            on from there.

    Raises:
        OptionError: If one of the models lacks a branch, or they differ in vocabulary, graph or size.
        DataError: If the teacher was trained on features of other extractors.
    """
    for which, branches in (("the model", model.branches), ("'teacher'", teacher.model.branches)):
        if "object" not in branches or "scene" not in model.branches:
            raise OptionError(
                f"A teacher needs the branches [scene, object] here and an object branch of its own, but {which} has "
                f"{list(branches)}; choose another teacher."
            )
    assert isinstance(model, STGraphCaptioner), "no other model has these branches"
    teacher.check_extractors(data.source.extractors, "object")
    _check_alike("teacher", teacher, model, data, IRRELEVANT_TO_TEACHER)
    prefixes = ("encoders.object.", "decoders.object.")
    state = {name: value for name, value in teacher.model.state_dict().items() if name.startswith(prefixes)}
    model.load_state_dict(state, strict=False)
    if copy_decoder:
        model.decoders["scene"].load_state_dict(model.decoders["object"].state_dict())
    model.freeze("object")


def _check_alike(
    key: str,
    trained: CaptionPipeline,
    model: CaptioningModel,
    data: CaptionDataModule,
    apart_from: Collection[str],
) -> None:
    if trained.tokenizer.words != data.tokenizer.words:
        raise OptionError(f"'{key}' has another vocabulary; train it on the same captions and min_count.")
    graph = None if data.builder is None else data.builder.config
    if trained.config.graph != graph:
        raise OptionError(
            f"'{key}' was trained on another graph, {trained.config.graph}; use the same graph here."
        )
    for name, value in model.config.items():
        if name not in apart_from and trained.model.config.get(name) != value:
            raise OptionError(
                f"'{key}' has {name} {trained.model.config.get(name)} and the model here {value}; use the same value."
            )
