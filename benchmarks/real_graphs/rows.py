"""The rows of the table: which edges, which layers, how boxes and frames are pooled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import nn
from torch_geometric.utils import coalesce

from benchmarks.real_graphs.edge_free import BoxTransformer, TrackGRU
from stgraph import VideoGraphBuilder
from stgraph.datasets import ClassificationDataModule
from stgraph.graph import CosineEdges, IouEdges, LinkObjects, NearestEdges, TrackEdges, VideoGraph
from stgraph.models import Classifier
from stgraph.models.object_encoder import ObjectEncoder

GEOMETRY = ("offset", "size", "velocity", "gap")
HEAD_CHANNELS = 32
"""Of the layer before the scores, in every row: pairs of boxes are judged by their geometry without edges, too."""
NUM_WEIGHTS = 20_000
"""Every model has about so many weights: its width is the even number that comes nearest."""

Change = Literal["time", "identity", "edges"]
Kind = Literal["edges", "edge-free", "control"]


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Args:
        title: As printed.
        builder: Makes the builder of its graphs.
        kind: Whether boxes exchange messages along edges, or the row is a control.
        arguments: Arguments of the classifier.
        encoder: Makes an encoder from the arguments of ``ObjectEncoder``; None is the graph encoder.
        change: What is shuffled in every graph, in training and test.
        changed: The row that a control changes.
        pool: How boxes and frames are pooled: "mean" or "attention".
    """

    title: str
    builder: Callable[[], VideoGraphBuilder]
    kind: Kind = "edges"
    arguments: dict[str, Any] = field(default_factory=dict)
    encoder: Callable[..., nn.Module] | None = None
    change: Change | None = None
    changed: str | None = None
    pool: str = "mean"


def _none() -> VideoGraphBuilder:
    return VideoGraphBuilder(None, None)


def _track_geometry() -> VideoGraphBuilder:
    return VideoGraphBuilder("iou", "track")


def _nearest() -> VideoGraphBuilder:
    return VideoGraphBuilder(NearestEdges(3), "track")


def _nearest_hops() -> VideoGraphBuilder:
    return VideoGraphBuilder(NearestEdges(3), TrackEdges(hops=(1, 2, 4)))


LINKED = {"conv": "GINEConv", "edge_attributes": GEOMETRY, "both_directions": True}
NEAREST = LINKED | {"edge_attributes": (*GEOMETRY, "distance"), "edge_channels": 32}
_ROWS = {
    "no_layers": Row("no layers", _none, "edge-free", {"num_layers": 0}),
    "no_edges": Row("A = 0, layers kept", _none, "edge-free"),
    "identity": Row("A = I, layers kept", lambda: VideoGraphBuilder("self", None), "edge-free"),
    "track_gru": Row("a GRU along each track", _none, "edge-free", encoder=TrackGRU),
    "box_transformer": Row(
        "a Transformer over all boxes, with codes of time and identity",
        _none,
        "edge-free",
        encoder=BoxTransformer,
    ),
    "paper": Row("the paper's graph", VideoGraphBuilder),
    "dense": Row("dense graph", VideoGraphBuilder.dense),
    "sharper": Row(
        "the paper's edges, softmax at temperature 0.1",
        lambda: VideoGraphBuilder(IouEdges(temperature=0.1), CosineEdges(temperature=0.1)),
    ),
    "track": Row("edges along tracks", lambda: VideoGraphBuilder("self", "track")),
    "track_geometry": Row(
        "edges within frames and along tracks, with geometry", _track_geometry, arguments=LINKED
    ),
    "nearest": Row(
        "edges to the 3 nearest boxes and along tracks, with geometry and distance",
        _nearest,
        arguments=NEAREST,
    ),
    "nearest_hops": Row("the same, along tracks also 2 and 4 sightings on", _nearest_hops, arguments=NEAREST),
}
ROWS = {
    f"{name}_{pool}": replace(row, pool=pool, title=f"{row.title}; {pool} pooling")
    for name, row in _ROWS.items()
    for pool in ("mean", "attention")
}
_CHANGES: dict[Change, tuple[str, str]] = {
    "time": ("shuffled_time", "frames in random order"),
    "identity": ("shuffled_identity", "identities shuffled in each frame"),
    "edges": ("random_edges", "edges to boxes drawn at random"),
}
_CHANGED = {
    "nearest_attention": ("", "nearest boxes and tracks"),
    "nearest_hops_attention": ("_hops", "nearest boxes and tracks, also 2 and 4 sightings on"),
}
ROWS |= {
    f"{name}{suffix}": replace(
        ROWS[changed], kind="control", title=f"{what}, {how}", change=change, changed=changed
    )
    for changed, (suffix, what) in _CHANGED.items()
    for change, (name, how) in _CHANGES.items()
}


def examples_of(
    row: Row, make: Callable[[VideoGraphBuilder], list[tuple[VideoGraph, Any]]]
) -> list[tuple[VideoGraph, Any]]:
    """Graphs with targets as the row has them; what is shuffled is drawn anew for each graph, the same in every call."""
    builder = row.builder()
    examples = make(builder)
    if row.change is None:
        return examples
    draws = torch.Generator().manual_seed(0)
    return [_changed(row.change, graph, target, builder, draws) for graph, target in examples]


def model_of(
    row: Row,
    model_class: type[Classifier],
    data: ClassificationDataModule,
    seed: int,
    standardize: bool = False,
) -> Classifier:
    """The model of a row, whose width gives it about ``NUM_WEIGHTS`` weights."""
    width = width_of(lambda width: _model(row, model_class, data, width), NUM_WEIGHTS)
    torch.manual_seed(seed)
    model = _model(row, model_class, data, width)
    if standardize:
        inputs = model.encoder if isinstance(model.encoder, ObjectEncoder) else model.encoder.embed
        inputs.standardize(data.graph_batches("train"))
    return model


def width_of(build: Callable[[int], nn.Module], num_weights: int) -> int:
    """The width, a multiple of 4, of the model whose number of weights comes nearest to ``num_weights``."""

    def count(width: int) -> int:
        with torch.device("meta"):  # shapes without values
            return sum(weight.numel() for weight in build(width).parameters())

    low, high = 8, 512
    while high - low > 4:  # the number of weights grows with the width; 4 heads divide a width
        middle = (low + high) // 8 * 4
        low, high = (middle, high) if count(middle) <= num_weights else (low, middle)
    return min((low, high), key=lambda width: abs(count(width) - num_weights))


def _model(row: Row, model_class: type[Classifier], data: ClassificationDataModule, width: int) -> Classifier:
    pools: dict[str, Any] = {"pool": row.pool, "head_channels": HEAD_CHANNELS}
    if model_class.level == "graph":
        pools["object_pool"] = "mean" if row.pool == "mean" else "attention"
    model = model_class.for_data(data, hidden_channels=width, **pools, **row.arguments)
    if row.encoder is not None:
        model.encoder = row.encoder(
            data.widths["object"], width, num_labels=data.num_labels, motion=data.has_tracks
        )
    return model


def _changed(
    change: Change, graph: VideoGraph, target: Any, builder: VideoGraphBuilder, draws: torch.Generator
) -> tuple[VideoGraph, Any]:
    graph = graph.clone()
    if change == "edges":
        return _with_random_edges(graph, draws), target
    if change == "identity":
        for frame in graph.frame.unique():
            rows = (graph.frame == frame).nonzero()[:, 0]
            graph.track[rows] = graph.track[rows[torch.randperm(len(rows), generator=draws)]]
        return LinkObjects(builder)(graph), target
    place = torch.randperm(int(graph.num_frames), generator=draws)
    times = torch.full((int(graph.num_frames),), torch.nan)
    times[graph.frame] = graph.time
    known = ~times.isnan()
    step = times[known].diff().median() if int(known.sum()) > 1 else torch.tensor(1.0)
    frame = place[graph.frame]
    order = frame.argsort(stable=True)
    for name, value in graph.to_dict().items():
        if (
            isinstance(value, torch.Tensor)
            and value.size(0) == graph.num_nodes
            and not name.startswith("edge_")
        ):
            graph[name] = value[order]
    graph.frame = frame[order]
    graph.time = graph.frame * step  # frames at equal times, in the order that was drawn
    row = order.argsort()
    if isinstance(target, dict) and isinstance(next(iter(target)), tuple):
        target = {(int(row[i]), int(row[j])): value for (i, j), value in target.items()}
    return LinkObjects(builder)(graph), target


def _with_random_edges(graph: VideoGraph, draws: torch.Generator) -> VideoGraph:
    """Exchanges the ends of edges at random: every box keeps about as many edges out of it and into it."""
    ends = graph.edge_index[1, torch.randperm(graph.num_edges, generator=draws)]
    graph.edge_index, (graph.edge_weight, graph.edge_kind) = coalesce(
        torch.stack([graph.edge_index[0], ends]),
        [graph.edge_weight, graph.edge_kind],
        graph.num_nodes,
        reduce="max",  # of two edges between the same boxes one is left
    )
    return graph
