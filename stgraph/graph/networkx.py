"""Video graphs as NetworkX graphs and back: plain values that GraphML, GEXF, JSON and their tools take."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import networkx as nx
import torch
from torch import Tensor
from torch_geometric.data import Data

from stgraph.checking import checked
from stgraph.errors import DataError
from stgraph.graph.consistency import check_graph
from stgraph.graph.edge_kind import EdgeKind

__all__ = ["attributes_from_networkx", "plain_columns", "to_networkx"]

_NODE_TYPES = {
    "frame": torch.int64,
    "time": torch.float32,
    "score": torch.float32,
    "label": torch.int64,
    "track": torch.int64,
}
_CORNERS = ("x1", "y1", "x2", "y2")


@checked
def to_networkx(graph: Data, label_names: Sequence[str] | Mapping[int, str] | None = None) -> nx.DiGraph:
    """Makes a directed graph whose attributes are plain numbers and words, so that every NetworkX writer takes it.

    Nodes 0..N-1 carry ``frame``, ``time`` (left out where unknown), ``x1``, ``y1``, ``x2``, ``y2``, ``score``, ``label``
    (its name where ``label_names`` knows it) and ``track``; edges i -> j ``weight`` and ``kind`` ("space", "time" or
    "dense"); the graph ``num_frames`` and, where known, ``video_id``. What the graph lacks is left out, and so are the
    features ``x``; :meth:`VideoGraph.save` keeps all.

    Args:
        graph: Graph of one video, not a batch.
        label_names: Name of each class, by number.

    Raises:
        DataError: If ``graph`` is a batch, links a pair twice, or holds attributes of other nodes or edges than its own,
            as some transforms leave them.

    >>> import torch
    >>> from stgraph.graph import VideoGraph
    >>> graph = VideoGraph(torch.ones(2, 1), torch.tensor([[0], [1]]), edge_weight=torch.tensor([0.5]),
    ...                    edge_kind=torch.tensor([1]), frame=torch.tensor([0, 1]), num_frames=2)
    >>> to_networkx(graph).edges[0, 1]
    {'weight': 0.5, 'kind': 'time'}
    """
    check_graph(graph)
    out = nx.DiGraph()
    for name in ("num_frames", "video_id"):
        if name in graph:
            out.graph[name] = graph[name]
    nodes, edges = plain_columns(graph, label_names)
    unknown = {number for number, time in enumerate(nodes.get("time", ())) if math.isnan(time)}
    for number, values in enumerate(_rows(nodes, graph.num_nodes or 0)):
        if number in unknown:
            del values["time"]
        out.add_node(number, **values)
    assert graph.edge_index is not None, "checked above"
    sources, targets = graph.edge_index.tolist()
    out.add_edges_from(zip(sources, targets, _rows(edges, len(sources)), strict=True))
    return out


def plain_columns(
    graph: Data, label_names: Sequence[str] | Mapping[int, str] | None = None
) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """The plain attributes of nodes and edges as lists by name, an unknown ``time`` as NaN.

    Args:
        graph: Graph of one video that was checked.
        label_names: Name of each class, by number.

    Raises:
        DataError: If the graph links a pair twice.
    """
    nodes: dict[str, list[Any]] = {name: graph[name].tolist() for name in _NODE_TYPES if name in graph}
    if "box" in graph:
        nodes |= dict(zip(_CORNERS, graph.box.T.tolist(), strict=True))
    if label_names is not None and "label" in nodes:
        names = label_names if isinstance(label_names, Mapping) else dict(enumerate(label_names))
        nodes["label"] = [names.get(label, str(label)) for label in nodes["label"]]
    edges: dict[str, list[Any]] = {}
    if "edge_weight" in graph:
        edges["weight"] = graph.edge_weight.tolist()
    if "edge_kind" in graph:
        numbers = graph.edge_kind.tolist()
        kinds = {number: EdgeKind(number).name.lower() for number in set(numbers)}
        edges["kind"] = [kinds[number] for number in numbers]
    assert graph.edge_index is not None, "it was checked"
    i, j = graph.edge_index
    pair, place = (i * (graph.num_nodes or 0) + j).sort(stable=True)
    again = place[1:][pair[1:] == pair[:-1]]
    if len(again):
        twice = tuple(graph.edge_index[:, again.min()].tolist())
        raise DataError(f"The graph links {twice} twice; join such edges with graph.coalesce().")
    return nodes, edges


def _rows(columns: Mapping[str, list[Any]], count: int) -> Iterator[dict[str, Any]]:
    if not columns:
        return ({} for _ in range(count))
    names = list(columns)
    return (dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True))


def attributes_from_networkx(
    nx_graph: nx.Graph, label_names: Sequence[str] | Mapping[int, str] | None = None
) -> dict[str, Any]:
    """Reads the attributes that :func:`to_networkx` writes, from a graph with nodes of any names in their order.

    Args:
        nx_graph: Nodes and edges with all, some or none of the attributes; an undirected edge becomes two.
        label_names: Name of each class, by number, if ``label`` holds names.

    Returns:
        Attributes of a :class:`~stgraph.graph.VideoGraph` by name, edges in the order of ``nx_graph``.

    Raises:
        DataError: If only some nodes or edges have an attribute (``time`` excepted), or a value is not of its type.
    """
    directed = nx_graph if nx_graph.is_directed() else nx_graph.to_directed()
    number = {node: place for place, node in enumerate(directed.nodes)}
    nodes = [values for _, values in directed.nodes(data=True)]
    edges = list(directed.edges(data=True))
    pairs = [(number[i], number[j]) for i, j, _ in edges]
    found: dict[str, Any] = {
        "edge_index": torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T.contiguous()
    }
    given = {name for values in nodes for name in values}
    for name, dtype in _NODE_TYPES.items():
        if name in given:
            column = _column("node", name, nodes, fill=math.nan if name == "time" else None)
            if name == "label":
                column = [_number_of(label, label_names) for label in column]
            found[name] = _tensor(name, column, dtype)
    if given >= set(_CORNERS):
        corners = [_tensor(name, _column("node", name, nodes), torch.float32) for name in _CORNERS]
        found["box"] = torch.stack(corners, dim=1)
    edge_values = [values for _, _, values in edges]
    if any("weight" in values for values in edge_values):
        found["edge_weight"] = _tensor("weight", _column("edge", "weight", edge_values), torch.float32)
    if any("kind" in values for values in edge_values):
        kinds = [_kind(kind) for kind in _column("edge", "kind", edge_values)]
        found["edge_kind"] = torch.tensor(kinds, dtype=torch.int64)
    for name, kind in (("num_frames", int), ("video_id", str)):
        if name in nx_graph.graph:
            found[name] = kind(nx_graph.graph[name])
    if "num_frames" not in found and "frame" in found and len(nodes):
        found["num_frames"] = int(found["frame"].max()) + 1
    if not found.keys() & {*_NODE_TYPES, "box"}:
        found["num_nodes"] = len(nodes)
    return found


def _column(of: str, name: str, rows: Sequence[Mapping[str, Any]], fill: Any = None) -> list[Any]:
    column = [values.get(name, fill) for values in rows]
    if fill is None and None in column:
        raise DataError(f"Each {of} must have '{name}' or none, but {of} {column.index(None)} lacks it.")
    return column


def _tensor(name: str, column: list[Any], dtype: torch.dtype) -> Tensor:
    try:
        kind = int if dtype == torch.int64 else float
        return torch.tensor([kind(value) for value in column], dtype=dtype)
    except (TypeError, ValueError) as error:
        raise DataError(f"'{name}' must be numbers: {error}.") from error


def _number_of(label: Any, label_names: Sequence[str] | Mapping[int, str] | None) -> int:
    names = label_names if isinstance(label_names, Mapping) else dict(enumerate(label_names or ()))
    numbers = {name: number for number, name in names.items()}
    try:
        return numbers[label] if label in numbers else int(label)
    except ValueError as error:
        raise DataError(
            f"'label' {label!r} is neither a number nor among 'label_names'; pass the names of the classes."
        ) from error


def _kind(name: Any) -> int:
    try:
        return int(EdgeKind[str(name).upper()])
    except KeyError as error:
        raise DataError(
            f"'kind' must be {', '.join(k.name.lower() for k in EdgeKind)}, got {name!r}."
        ) from error
