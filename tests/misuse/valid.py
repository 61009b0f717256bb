"""A valid call of every public callable; a new public name needs one here unless its parameters are known by name."""

from __future__ import annotations

import enum
import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

import torch

from stgraph.checking.rules import rule_of
from stgraph.checking.scope import resolved
from tests.misuse import (
    data_values,
    dataset_values,
    extraction_values,
    model_values,
    nn_values,
    picture_values,
    run_values,
    world,
)
from tests.misuse.makers import fresh, real, rows, whole
from tests.misuse.targets import Target

__all__ = ["Unmade", "base_call"]


class Unmade(Exception):
    """There is no valid call."""


def base_call(target: Target) -> tuple[Callable[..., Any], dict[str, Any]]:
    """What to call, and valid arguments by name, made anew.

    Raises:
        Unmade: If a parameter has no valid value; the message says where to give one.
    """
    for name in (target.label, target.label.split(".")[0]):
        if name in SKIPPED:
            raise Unmade(f"not called, as {SKIPPED[name]}")
    arguments = {}
    for parameter in target.parameters:
        value = value_of(target, parameter)
        if parameter.kind is parameter.VAR_KEYWORD and value is not LEFT_OUT:
            arguments |= value
        elif value is not LEFT_OUT:
            arguments[parameter.name] = value
    if target.owner is None:
        return target.function, arguments
    name, method = target.label.split(".")
    static = inspect.getattr_static(target.owner, method)
    if isinstance(static, (classmethod, staticmethod)):
        abstract = inspect.isabstract(target.owner)
        return getattr(type(instance_of(name, target.owner)) if abstract else target.owner, method), arguments
    whole = target.label if target.label in INSTANCES else name
    return getattr(instance_of(whole, target.owner), method), arguments


LEFT_OUT = object()


def value_of(target: Target, parameter: inspect.Parameter) -> Any:
    key = f"{target.label}.{parameter.name}"
    annotation = annotation_of(target, parameter)
    if key in VALUES:
        return made(VALUES[key])
    if parameter.name in VALUES and parameter.kind is not parameter.VAR_KEYWORD:
        value, rule = made(VALUES[parameter.name]), rule_of(annotation)
        if rule is None or rule.accepts(value):
            return value
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return LEFT_OUT
    known = class_of(annotation)
    if known is not None and (known.__name__ in INSTANCES or parameter.default is parameter.empty):
        return instance_of(known.__name__, known)
    if parameter.default is not parameter.empty:
        return (
            parameter.default
            if type(parameter.default).__name__ != "_HAS_DEFAULT_FACTORY_CLASS"
            else LEFT_OUT
        )
    raise Unmade(f"give a valid value for '{key}' or '{parameter.name}' in tests/misuse/valid.py")


def made(value: Any) -> Any:
    return (
        value()
        if inspect.isfunction(value) or hasattr(value, "cache_info") or value is dict or value is list
        else value
    )


def annotation_of(target: Target, parameter: inspect.Parameter) -> Any:
    function = target.function if inspect.isfunction(target.function) else target.function.__init__
    return Any if parameter.annotation is parameter.empty else resolved(function, parameter.annotation)


def class_of(annotation: Any) -> type | None:
    """The class of ours that an annotation names."""
    members = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    ours = [
        each
        for each in members
        if inspect.isclass(each)
        and each.__module__.startswith("stgraph.")
        and not issubclass(each, enum.Enum)
        and not getattr(each, "_is_protocol", False)
    ]
    return ours[0] if ours else None


def instance_of(name: str, owner: type) -> Any:
    if name in INSTANCES:
        return INSTANCES[name]()
    if inspect.isabstract(owner):
        raise Unmade(f"give an instance of '{name}' in tests/misuse/valid.py")
    parameters = tuple(inspect.signature(owner).parameters.values())
    constructor = Target(name, "", None, owner, parameters)
    function, arguments = base_call(constructor)
    try:
        made = function(**arguments)
    except Exception as error:
        raise Unmade(f"{name} cannot be made of its valid arguments: {error}") from error
    return made.eval() if isinstance(made, torch.nn.Module) else made


SKIPPED: dict[str, str] = {
    "CaptionPipeline.push_to_hub": "it needs a network",
    "VisionTower": "it downloads its weights",
    "I3DFlow": "it downloads the weights of the optical flow",
    "wrap_detector": "extraction calls it with entry points of other packages",
    "ResidualGCNConv.collect": "PyTorch Geometric generates it",
    "ResidualGCNConv.propagate": "PyTorch Geometric generates it",
    **{
        f"{name}.{method}": "Lightning calls it with its trainer"
        for name in ("CaptioningModule", "ClassificationModule")
        for method in (
            "on_test_epoch_end",
            "on_train_batch_start",
            "on_validation_epoch_end",
            "training_step",
        )
    },
    "ClassificationModule.predictions": "a trainer gathers them",
    "CaptionBatch.pin_memory": "it needs a GPU",
    "ResumePoint.on_train_batch_end": "Lightning calls it with its trainer",
    "ResumePoint.on_train_epoch_end": "Lightning calls it with its trainer",
    "ResumePoint.on_validation_end": "Lightning calls it with its trainer",
    "checked": "it decorates functions of this library",
    "axes": "it decorates functions of this library",
    "passes_on": "it decorates functions of this library",
    "CAD120.split": "the data set has no official splits; the others' split is called",
    "TrackDataset.split": "CAD-120 stands for it, which has no official splits",
    "MirroredTracks.split": "CAD-120 is mirrored, which has no official splits",
    **{
        f"{name}.leave_one_out": "the data set has no groups; that of CAD-120 is called"
        for name in ("JAAD", "ActionGenome", "VidOR", "VidVRD")
    },
    "PickledArray": "the reader of pickles makes it",
}

VALUES: dict[str, Any] = {
    # sizes
    **dict.fromkeys(("in_channels", "query_channels", "hidden_channels", "channels", "word_channels"), 8),
    **dict.fromkeys(("appearance_channels", "motion_channels", "object_channels", "embedding_channels"), 8),
    **dict.fromkeys(("out_channels", "feedforward_channels", "attention_channels", "stream_channels"), 8),
    "num_heads": 2,
    "num_layers": 2,
    "dropout": 0.0,
    "vocab_size": 20,
    "max_length": 8,
    # videos of 3 and 2 frames, with 2 regions a frame; two captions
    "query": rows(2, 8),
    "mask": real(2, 3),
    "num_frames": lambda: torch.tensor([3, 2]),
    "x": rows(6, 8),
    "frame": whole(0, 0, 1, 2, 3, 4),
    "rows": rows(5, 8),
    "edge_index": lambda: torch.tensor([[0, 1, 2], [2, 3, 4]]),
    "edge_weight": lambda: torch.tensor([0.5, 0.2, 0.3]),
    "num_nodes": 6,
    "frames": rows(2, 3, 8),
    "regions": rows(2, 3, 2, 8),
    "region_mask": real(2, 3, 2),
    "tokens": lambda: torch.tensor([[1, 4, 5], [1, 6, 2]]),
    "video": whole(0, 1),
    "index": whole(0, 1),
    "word": rows(2, 8),
    "words": real(2, 4),
    "logits": rows(2, 4, 20),
    "features": rows(2, 8),
    "device": "cpu",
    # other values
    "graph": world.graph,
    "graphs": world.graphs,
    "model": world.model,
    "tokenizer": world.tokenizer,
    "detections": world.detections,
    "store": world.store,
    "corpus": world.corpus,
    "video_id": "video1",
    "name": "iou",
    "path": fresh(".json"),
    "folder": fresh(),
    "size": (60, 80),
    "split": "train",
    "seed": 0,
}
for part in (
    nn_values,
    data_values,
    dataset_values,
    model_values,
    picture_values,
    extraction_values,
    run_values,
):
    VALUES |= part.VALUES
INSTANCES: dict[str, Callable[[], Any]] = {
    **nn_values.INSTANCES,
    **data_values.INSTANCES,
    **dataset_values.INSTANCES,
    **model_values.INSTANCES,
    **picture_values.INSTANCES,
    **extraction_values.INSTANCES,
    **run_values.INSTANCES,
}
