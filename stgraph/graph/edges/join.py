"""The edges of all rules and all videos as columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from stgraph.errors import DataError
from stgraph.graph.edge_kind import EdgeKind
from stgraph.graph.edges.cosine import CosineEdges, cosine_edges
from stgraph.graph.edges.dense import dense_edges
from stgraph.graph.edges.iou import IouEdges, iou_edges
from stgraph.graph.edges.nearest import NearestEdges
from stgraph.graph.edges.rule import EdgeRule, check_edges, rule_name, sort_edges
from stgraph.graph.edges.self_loops import self_edges
from stgraph.graph.edges.track import TrackEdges
from stgraph.graph.nodes import Nodes
from stgraph.large_tensors import concatenated, empty

__all__ = ["join_edges"]

# The built-in rules are covered by tests, so their edges are not checked at every call.
_OWN = (iou_edges, cosine_edges, dense_edges, self_edges)
_MERGED = 2**16  # edges that are merged at a time, about
_OWN_TYPES = (IouEdges, NearestEdges, CosineEdges, TrackEdges)


def join_edges(rules: Mapping[EdgeKind, EdgeRule], nodes: Nodes) -> dict[str, Tensor]:
    """Edges of all videos as columns, sorted by (i, j), each with the kind of the rule that made it.

    Raises:
        ShapeError: If a rule of the user's returns other shapes.
        DataError: If a rule of the user's returns invalid edges, or two rules link one pair.
    """
    parts = [(kind, *_apply(rule, nodes)) for kind, rule in rules.items()]
    if len(parts) == 1:
        kind, edge_index, weight = parts[0]
        return {
            "edge_index": edge_index,
            "edge_weight": weight,
            "edge_kind": torch.full_like(edge_index[0], int(kind)),
        }
    return _merge(parts, rules, nodes)


def _merge(
    parts: Sequence[tuple[EdgeKind, Tensor, Tensor]], rules: Mapping[EdgeKind, EdgeRule], nodes: Nodes
) -> dict[str, Tensor]:
    """Merges the edges of several rules, each in order, for some nodes at a time: what is sorted stays in the cache."""
    num_nodes, total = len(nodes.video), sum(len(weight) for _, _, weight in parts)
    (edge_index, no_weights), weights = _nothing(nodes), []
    edge_index, kinds = empty((2, total), edge_index), empty((total,), edge_index)
    steps = total // _MERGED + 1
    node = torch.arange(steps + 1, device=edge_index.device) * num_nodes // steps
    cuts = [torch.searchsorted(edges[0].contiguous(), node).tolist() for _, edges, _ in parts]
    end = 0
    for bounds in zip(*(pairwise(cut) for cut in cuts), strict=True):
        some = [
            (edges[:, low:high], weight[low:high], torch.full_like(edges[0, low:high], int(kind)))
            for (kind, edges, weight), (low, high) in zip(parts, bounds, strict=True)
        ]
        pairs, weight, kind, key = sort_edges(
            num_nodes, *(torch.cat(column, dim=-1) for column in zip(*some, strict=True))
        )
        begin, end = end, end + len(key)
        edge_index[:, begin:end], kinds[begin:end] = pairs, kind
        weights.append(weight)
        twice = (key.diff() == 0).nonzero()
        if len(twice):
            names = " and ".join(f"'{rule_name(rule)}'" for rule in rules.values())
            raise DataError(
                f"Edge rules {names} must not link one pair of boxes twice, got "
                f"{pairs[:, twice[0, 0]].tolist()}; let only one of them name it."
            )
    return {
        "edge_index": edge_index,
        "edge_weight": concatenated([no_weights, *weights]),
        "edge_kind": kinds,
    }


def _apply(rule: EdgeRule, nodes: Nodes) -> tuple[Tensor, Tensor]:
    """The rule's edges of all videos, sorted by (i, j): in one call if the rule may span videos, else one per video."""
    check = type(rule) not in _OWN_TYPES and not any(rule is own for own in _OWN)
    if getattr(rule, "adjacent_only", False):
        frame = nodes.values["frame"] + nodes.video  # a gap after each video: nothing is adjacent across it
        answer = _call(rule, nodes, slice(None), frame, nodes.video)
        return check_edges(rule, answer, frame) if check else answer
    if getattr(rule, "spans_videos", False):
        answer = _call(rule, nodes, slice(None), nodes.values["frame"], nodes.video)
        return check_edges(rule, answer, nodes.values["frame"], nodes.video) if check else answer
    edges, weights = ([none] for none in _nothing(nodes))
    for video, (start, end) in enumerate(pairwise(nodes.node_ptr.tolist())):
        if start < end:
            frame = nodes.values["frame"][start:end] - nodes.frame_ptr[video]
            answer = _call(rule, nodes, slice(start, end), frame, torch.zeros_like(frame))
            edge_index, weight = check_edges(rule, answer, frame) if check else answer
            edges.append(edge_index + start)
            weights.append(weight)
    return torch.cat(edges, dim=1), torch.cat(weights)


def _nothing(nodes: Nodes) -> tuple[Tensor, Tensor]:
    """An ``edge_index`` and weights of no edges, on the device of the nodes."""
    device = nodes.video.device
    return torch.zeros(2, 0, dtype=torch.long, device=device), torch.zeros(0, device=device)


def _call(rule: Callable[..., Any], nodes: Nodes, rows: slice, frame: Tensor, video: Tensor) -> Any:
    """Calls a rule on some rows with the attributes that it is marked to take."""
    inputs = [nodes.values["box"][rows], nodes.values["x"][rows], frame]
    if getattr(rule, "wants_video", False):
        inputs.append(video)
    names = getattr(rule, "node_attributes", ())
    named = {name: video if name == "video" else nodes.values[name][rows] for name in names}
    return rule(*inputs, **named)
