"""What pictures, videos and pages show of a graph: names and colours of nodes, relative weights, and the edges to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stgraph.drawing import colour_by_value
from stgraph.graph import EdgeKind, VideoGraph

__all__ = [
    "DrawnEdges",
    "LabelNames",
    "drawn_edges",
    "extent_of",
    "node_colours",
    "node_names",
    "relative_weights",
]

LabelNames = Sequence[str] | Mapping[int, str] | None
"""Name of each class, by number."""
MOST_EDGES = 60
"""Edges that are drawn within a frame, and between two frames, at most."""


@dataclass(frozen=True)
class DrawnEdges:
    """The edges that a picture shows, with their strength in 0..1, and how many it leaves out.

    Args:
        inside: Edges between objects of one frame.
        onward: Edges to the next frame.
        distant: Number of edges to other frames, or of kind DENSE to any other frame.
        faint: Number of edges that were left out in favour of stronger ones, as they would hide the frame.
    """

    inside: Mapping[tuple[int, int], float]
    onward: Mapping[tuple[int, int], float]
    distant: int
    faint: int


def relative_weights(graph: VideoGraph) -> tuple[Tensor, Tensor]:
    """Weight of each edge relative to the mean of its row, that is of the edges that one rule made of its node.

    Returns:
        The relative weights ``[E]``, and whether the edge is the only one of its row ``[E]``.
    """
    if not graph.num_edges:
        return torch.zeros(0), torch.zeros(0, dtype=torch.bool)
    row = graph.edge_index[0] * (max(EdgeKind) + 1) + graph.edge_kind
    total, number = torch.bincount(row, graph.edge_weight)[row], torch.bincount(row)[row]
    return graph.edge_weight * number / total.clamp(min=1e-12), number == 1


def drawn_edges(graph: VideoGraph, present: Sequence[bool], most: int = MOST_EDGES) -> DrawnEdges:
    """Chooses the edges to draw within frames and to the next frame.

    The strength is the excess of an edge's relative weight over 1; within a frame, where self-loops take a large part of the
    weight, over 0.5. Time edges are drawn above the mean of their row, or if they are its only one.

    Args:
        graph: Graph of one video.
        present: Whether a node has a box to draw.
        most: Largest number of edges within a frame, and between two frames; the strongest are kept.
    """
    share, is_only = relative_weights(graph)
    i, j = graph.edge_index
    there = torch.as_tensor(present, dtype=torch.bool)
    candidate = (i != j) & there[i] & there[j]
    step = graph.frame[j] - graph.frame[i]
    near = (step == 0) | ((step == 1) & (graph.edge_kind == EdgeKind.TIME))
    inside = candidate & (step == 0)
    onward = candidate & near & (step == 1) & ((share > 1.0001) | is_only)
    kept_inside, kept_onward = (_strongest(graph, each, share, most) for each in (inside, onward))
    faint = int(inside.sum() + onward.sum() - kept_inside.sum() - kept_onward.sum())
    return DrawnEdges(
        _by_ends(graph, kept_inside, (share - 0.5).clamp(0, 1)),
        _by_ends(graph, kept_onward, (share - 1).clamp(0, 1)),
        int((candidate & ~near).sum()),
        faint,
    )


def _strongest(graph: VideoGraph, chosen: Tensor, share: Tensor, most: int) -> Tensor:
    """Keeps the strongest of the chosen edges of each frame; an edge and its reverse count as one and are kept together."""
    number = chosen.nonzero()[:, 0]
    ends = graph.edge_index[:, number].sort(dim=0).values
    pairs, pair_of = ends.unique(dim=1, return_inverse=True)
    strength = share.new_zeros(pairs.size(1)).scatter_reduce(0, pair_of, share[number], "amax")
    frame = graph.frame[pairs[0]]
    order = strength.argsort(descending=True, stable=True)
    order = order[frame[order].argsort(stable=True)]
    count = torch.bincount(frame, minlength=int(graph.num_frames))
    first = (count.cumsum(0) - count)[frame[order]]
    kept = torch.zeros(pairs.size(1), dtype=torch.bool)
    kept[order[torch.arange(len(order)) - first < most]] = True
    found = torch.zeros_like(chosen)
    found[number[kept[pair_of]]] = True
    return found


def _by_ends(graph: VideoGraph, chosen: Tensor, strength: Tensor) -> dict[tuple[int, int], float]:
    ends = graph.edge_index[:, chosen].T.tolist()
    return {(i, j): each for (i, j), each in zip(ends, strength[chosen].tolist(), strict=True)}


def node_names(graph: VideoGraph, label_names: LabelNames) -> list[str]:
    """Name of each node's class; "class 3" if it has none, and nothing if the class is unknown."""
    names = dict(label_names.items() if isinstance(label_names, Mapping) else enumerate(label_names or ()))
    return [str(names.get(label, f"class {label}" if label >= 0 else "")) for label in graph.label.tolist()]


def node_colours(graph: VideoGraph, present: Sequence[bool]) -> list[str]:
    """Colour of each node by its track, or by its class if no track is known, in the order of appearance."""
    known = "track" in graph and bool((graph.track >= 0).any())
    numbers = (graph.track if known else graph.label).tolist()
    drawn = [number for number, there in zip(numbers, present, strict=True) if there]
    colours = colour_by_value(drawn)
    return [colours.get(number, "#999999") for number in numbers]


def extent_of(graph: VideoGraph, size: tuple[int, int] | None) -> tuple[int, int]:
    """Height and width of frames without pixels: as given, or up to the farthest corner of a box."""
    if size is not None:
        return size
    if not graph.num_nodes:
        return 1, 1
    return tuple(max(int(graph.box[:, axis::2].max().ceil()), 1) for axis in (1, 0))  # type: ignore[return-value]
