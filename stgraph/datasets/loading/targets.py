"""Targets of graphs: a class of the whole, of tracks, or of pairs of nodes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

from stgraph.errors import DataError, OptionError, shown
from stgraph.models.classifier import Level

__all__ = ["EncodedTargets", "Target", "class_names", "encode", "level_of", "names_of"]

Names = str | Collection[str]
Target = Names | Mapping[int, Names] | Mapping[tuple[int, int], Names]
"""A class, or several, of the graph; of each track by its number; or of each pair of nodes."""


@dataclass(frozen=True)
class EncodedTargets:
    """The targets of one graph as tensors.

    Args:
        query: For tracks, the number of each node's target or -1, ``[N]``; for pairs, their nodes ``[2, P]``; for graphs
            None.
        labels: Number of the class ``[P]``, or whether each class is true, float ``[P, C]``.
        keys: What each target is of: None, the track, or the pair.
    """

    query: Tensor | None
    labels: Tensor
    keys: tuple[Any, ...]


def level_of(target: Any, where: str) -> Level:
    """What the target is of.

    Raises:
        DataError: If it is none of the allowed forms.
    """
    if _is_names(target):
        return "graph"
    if isinstance(target, Mapping) and target and all(_is_names(value) for value in target.values()):
        if all(isinstance(key, int) and not isinstance(key, bool) for key in target):
            return "track"
        if all(_is_pair(key) for key in target):
            return "pair"
    raise DataError(
        f"The target of {where} must be a class such as 'drink', {{track: class}}, or {{(node, node): class}}, got "
        f"{shown(repr(target), 80)}."
    )


def names_of(target: Target) -> list[tuple[Any, tuple[str, ...]]]:
    """What each target is of, with the names of its classes."""
    values = target.items() if isinstance(target, Mapping) else [(None, target)]
    return [(key, (names,) if isinstance(names, str) else tuple(names)) for key, names in values]


def class_names(targets: Sequence[Target], classes: Sequence[str] | None) -> tuple[str, ...]:
    """Names of the classes that occur, sorted; or those that are given, if they hold all that occur.

    Raises:
        OptionError: If a class comes twice in ``classes``, or one that occurs is missing.
    """
    found = {name for target in targets for _, names in names_of(target) for name in names}
    if classes is None:
        return tuple(sorted(found))
    if isinstance(classes, str) or len(set(classes)) < len(classes):
        raise OptionError(f"'classes' must list each class once, got {classes!r}.")
    if missing := sorted(found - set(classes)):
        raise OptionError(
            f"'classes' must hold every class of the targets, but '{shown(missing[0])}' is missing."
        )
    return tuple(classes)


def encode(
    target: Target, graph: Data, classes: Mapping[str, int], *, multi_label: bool, where: str
) -> EncodedTargets:
    """Encodes the targets of a graph.

    Raises:
        DataError: If a track or node does not exist in the graph.
    """
    named = names_of(target)
    keys = tuple(key for key, _ in named)
    labels = (
        torch.zeros(len(named), len(classes)) if multi_label else torch.zeros(len(named), dtype=torch.long)
    )
    for row, (_, names) in enumerate(named):
        for name in names:
            if multi_label:
                labels[row, classes[name]] = 1
            else:
                labels[row] = classes[name]
    if keys == (None,):
        return EncodedTargets(None, labels, keys)
    num_nodes = int(graph.num_nodes or 0)
    if isinstance(keys[0], int):
        track = graph.get("track")
        query = torch.full((num_nodes,), -1)
        for number, key in enumerate(keys):
            nodes = torch.zeros(0) if track is None else (track == key).nonzero()[:, 0]
            if not len(nodes):
                raise DataError(
                    f"{where} has a target for the track {key}, which no node of its graph has; correct it."
                )
            query[nodes] = number
        return EncodedTargets(query, labels, keys)
    pairs = torch.tensor(keys, dtype=torch.long).reshape(-1, 2).T
    if int(pairs.min()) < 0 or int(pairs.max()) >= num_nodes:
        raise DataError(
            f"{where} has a target for a pair of nodes outside 0..{num_nodes - 1}; pairs are of rows of the graph."
        )
    return EncodedTargets(pairs, labels, keys)


def _is_names(value: Any) -> bool:
    if isinstance(value, str):
        return True
    return isinstance(value, list | tuple | set | frozenset) and all(isinstance(name, str) for name in value)


def _is_pair(key: Any) -> bool:
    return isinstance(key, tuple) and len(key) == 2 and all(type(node) is int for node in key)
