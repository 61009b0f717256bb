"""Interface of edge rules, the attributes that they declare, and checks of the edges that they return."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.errors import DataError, OptionError, ShapeError

__all__ = [
    "EdgeRule",
    "adjacent_only",
    "check_edges",
    "check_temperature",
    "rule_name",
    "sort_edges",
    "spans_videos",
    "wants_video",
    "with_node_attributes",
]

EdgeRule = Callable[..., tuple[Tensor, Tensor]]
"""``(boxes [N, 4], features [N, F], frame [N]) -> (edge_index [2, E], weight [E])``; ``frame`` is sorted."""

NODE_ATTRIBUTES = ("video", "time", "score", "label", "track")

_Marked = TypeVar("_Marked", bound=Callable[..., Any])  # a function, or a class whose instances are rules


@checked
def adjacent_only(rule: _Marked) -> _Marked:
    """Marks a rule that links only boxes of the same or of adjacent frames and depends on no others.

    The builder calls such a rule once per batch, with the frames of all videos numbered consecutively and a gap after
    each video. An unmarked rule is called once per video, with frames numbered from 0.
    """
    rule.adjacent_only = True  # type: ignore[attr-defined]
    return rule


@checked
def wants_video(rule: _Marked) -> _Marked:
    """Marks a rule that takes the number of each box's video ``[N]``, sorted, as a fourth argument.

    This lets a rule that is called once per batch compute values of each video.
    """
    rule.wants_video = True  # type: ignore[attr-defined]
    return rule


@checked
def spans_videos(rule: _Marked) -> _Marked:
    """Marks a rule that computes the edges of all videos of a batch in one call.

    Frames are numbered consecutively over the videos; the rule must take ``video`` by :func:`with_node_attributes` and link
    only boxes of one video.
    """
    rule.spans_videos = True  # type: ignore[attr-defined]
    return rule


@checked
def with_node_attributes(*names: str) -> Callable[[_Marked], _Marked]:
    """Marks a rule that takes further node attributes as keyword arguments, each ``[N]``.

    Args:
        names: Some of "video", "time", "score", "label" and "track".

    Raises:
        OptionError: If a name is none of these.
    """
    for name in names:
        if name not in NODE_ATTRIBUTES:
            raise OptionError(f"An edge rule can take {', '.join(NODE_ATTRIBUTES)}, got {name!r}; rename it.")

    def mark(rule: _Marked) -> _Marked:
        rule.node_attributes = names  # type: ignore[attr-defined]
        return rule

    return mark


def check_temperature(value: float) -> None:
    """Checks the temperature of a softmax over similarities; below 0.001, float32 rounding would decide.

    Raises:
        OptionError: If it is not a finite number of at least 0.001.
    """
    if not (isinstance(value, int | float) and math.isfinite(value) and value >= 1e-3):
        raise OptionError(f"'temperature' must be a finite number of at least 0.001, got {value!r}.")


def rule_name(rule: EdgeRule) -> str:
    """The rule's name for messages."""
    return getattr(rule, "__name__", type(rule).__name__)


def check_edges(
    rule: EdgeRule, answer: Any, frame: Tensor, video: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Checks the edges of a rule and returns them sorted by (i, j), as int64 indices and float32 weights.

    Raises:
        ShapeError: If the result is not a pair of ``[2, E]`` and ``[E]``.
        DataError: If an index is not that of a box, a pair occurs twice, a weight is negative or not finite, or a
            rule that is marked :func:`adjacent_only` links distant frames.
    """
    name, num_nodes = rule_name(rule), len(frame)
    if not (
        isinstance(answer, tuple) and len(answer) == 2 and all(isinstance(part, Tensor) for part in answer)
    ):
        raise ShapeError(
            f"Edge rule '{name}' must return two tensors (edge_index, weight), got {_type_names(answer)}."
        )
    edge_index, weight = answer
    if edge_index.ndim != 2 or edge_index.size(0) != 2 or weight.shape != edge_index.shape[1:]:
        raise ShapeError(
            f"Edge rule '{name}' must return edge_index [2, E] and weight [E], got {list(edge_index.shape)} "
            f"and {list(weight.shape)}."
        )
    if edge_index.is_floating_point() or edge_index.dtype == torch.bool:
        raise ShapeError(
            f"Edge rule '{name}' must return whole numbers in edge_index, got {edge_index.dtype}."
        )
    edge_index, weight = edge_index.long(), weight.float()
    _refuse(
        name, edge_index, (edge_index < 0) | (edge_index >= num_nodes), f"must index the {num_nodes} boxes"
    )
    bad = ~(weight.isfinite() & (weight >= 0))
    _refuse(name, weight, bad, "must give weights that are finite and not negative")
    edge_index, weight, key = sort_edges(num_nodes, edge_index, weight)
    _refuse(name, edge_index[:, 1:], key.diff() == 0, "must name each pair of boxes once")
    if getattr(rule, "adjacent_only", False):
        gap = frame[edge_index].diff(dim=0)[0].abs()
        _refuse(
            name, edge_index, gap > 1, "is marked adjacent_only and must link only equal or adjacent frames"
        )
    if video is not None:
        apart = video[edge_index].diff(dim=0)[0] != 0
        _refuse(name, edge_index, apart, "is marked spans_videos and must link only boxes of one video")
    return edge_index, weight


def sort_edges(num_nodes: int, edge_index: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
    """Edges sorted by (i, j), with values of each edge in the same order, and the sorted keys i * num_nodes + j.

    Shapes: edge_index ``[2, E]``, values ``[E]`` -> edge_index ``[2, E]``, each of the values ``[E]``, key ``[E]``.
    """
    key = edge_index[0] * num_nodes + edge_index[1]
    # numpy's stable sort merges runs that are in order, thirty times as fast as torch sorts.
    order = torch.from_numpy(key.cpu().numpy().argsort(kind="stable")).to(key.device)
    # Selecting from one row at a time takes a fifth of the time of indexing the columns of both.
    i, j, *others = (part.index_select(0, order) for part in (*edge_index, *values, key))
    return torch.stack([i, j]), *others


def _refuse(name: str, values: Tensor, bad: Tensor, wanted: str) -> None:
    if bool(bad.any()):
        where = int(bad.nonzero()[0, -1])
        raise DataError(f"Edge rule '{name}' {wanted}, got {values[..., where].tolist()}; mend the rule.")


def _type_names(answer: Any) -> str:
    parts = answer if isinstance(answer, tuple) else (answer,)
    return "(" + ", ".join(type(part).__name__ for part in parts) + ")"
