"""Video graphs for NetworkX, and so for GraphML, GEXF, JSON and the tools that read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import networkx as nx

from stgraph.errors import DataError

if TYPE_CHECKING:
    from stgraph.graph.video_graph import VideoGraph

__all__ = ["to_networkx"]

_NUMBERS = ("frame", "time", "score", "label", "track")


def to_networkx(
    graph: VideoGraph, label_names: Sequence[str] | Mapping[int, str] | None = None
) -> nx.DiGraph:
    """Makes a directed graph whose attributes are plain numbers and words, so that every NetworkX writer
    takes it.

    Nodes 0..N-1 carry ``frame``, ``time`` (left out where unknown), ``x1``, ``y1``, ``x2``, ``y2``,
    ``score``, ``label`` (its name where ``label_names`` knows it) and ``track``; edges i -> j ``weight`` and
    ``kind`` ("space", "time" or "dense"); the graph ``num_frames`` and, where known, ``video_id``. Features
    ``x`` stay behind.

    Args:
        graph: Graph of one video, not a batch.
        label_names: Name of each class, by number.

    Raises:
        DataError: ``graph`` is a batch.

    >>> import torch
    >>> from stgraph.graph import VideoGraph
    >>> graph = VideoGraph(torch.ones(2, 1), torch.tensor([[0], [1]]), edge_weight=torch.tensor([0.5]),
    ...                    edge_kind=torch.tensor([1]), frame=torch.tensor([0, 1]), num_frames=2)
    >>> to_networkx(graph).edges[0, 1]
    {'weight': 0.5, 'kind': 'time'}
    """
    from torch_geometric.data import Batch

    from stgraph.graph.edge_kind import EdgeKind

    if isinstance(graph, Batch):
        raise DataError(
            f"'graph' must be one video's graph, got a batch of {graph.num_graphs}; pass batch[i], or each "
            "of batch.to_data_list()."
        )
    out = nx.DiGraph(num_frames=graph.num_frames)
    if "video_id" in graph:
        out.graph["video_id"] = graph.video_id
    columns: dict[str, list[Any]] = {name: graph[name].tolist() for name in _NUMBERS if name in graph}
    if "box" in graph:
        columns |= dict(zip(("x1", "y1", "x2", "y2"), graph.box.T.tolist(), strict=True))
    if label_names is not None and "label" in columns:
        names = label_names if isinstance(label_names, Mapping) else dict(enumerate(label_names))
        columns["label"] = [names.get(label, str(label)) for label in columns["label"]]
    for node in range(graph.num_nodes):
        values = {name: column[node] for name, column in columns.items()}
        if math.isnan(values.get("time", 0.0)):
            del values["time"]
        out.add_node(node, **values)
    kinds = [EdgeKind(kind).name.lower() for kind in graph.edge_kind.tolist()]
    for (i, j), weight, kind in zip(
        graph.edge_index.T.tolist(), graph.edge_weight.tolist(), kinds, strict=True
    ):
        out.add_edge(i, j, weight=weight, kind=kind)
    return out
