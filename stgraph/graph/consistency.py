"""Checks that the attributes of a graph still belong together after transforms."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data

from stgraph.errors import DataError
from stgraph.graph.edge_kind import EdgeKind

__all__ = ["check_frames", "check_graph"]

_LINK_AGAIN = (
    "a transform changed the edges; link the objects again with LinkObjects, or delete it: del graph.{name}"
)


def check_graph(graph: Data) -> None:
    """Checks that a graph is one of a single video whose nodes, edges and kinds of edges fit together.

    Raises:
        DataError: If it is a batch, has no ``edge_index``, or a transform left attributes of other nodes or edges.
    """
    if isinstance(graph, Batch):
        raise DataError(
            f"'graph' must be one video's graph, got a batch of {graph.num_graphs}; pass batch[i], or each "
            "of batch.to_data_list()."
        )
    if not isinstance(graph.edge_index, Tensor):
        remedy = (
            "ToSparseTensor moved it into 'adj_t', so take the graph from before"
            if "adj_t" in graph
            else "add it, with shape [2, 0] if there are no edges"
        )
        raise DataError(f"The graph has no 'edge_index'; {remedy}.")
    edge_index, num_edges = graph.edge_index, graph.edge_index.size(1)
    for name, value in graph.to_dict().items():
        if not isinstance(value, Tensor) or name == "edge_index":
            continue
        if graph.is_edge_attr(name) and len(value) != num_edges:
            reason = _LINK_AGAIN.format(name=name)
            raise DataError(f"'{name}' has {len(value)} rows for {num_edges} edges: {reason}.")
        if graph.is_node_attr(name) and len(value) != graph.num_nodes:
            raise DataError(
                f"'{name}' has {len(value)} rows for {graph.num_nodes} nodes: a transform changed the nodes, as "
                "LineGraph does, so the graph is no longer one of objects; take the graph from before."
            )
    if num_edges and not 0 <= int(edge_index.min()) <= int(edge_index.max()) < int(graph.num_nodes or 0):
        raise DataError(
            f"'edge_index' must lie in 0..{int(graph.num_nodes or 0) - 1}, got {int(edge_index.max())}."
        )
    if "edge_kind" in graph:
        _check_kinds(graph)


def check_frames(graph: Data) -> None:
    """Checks that a graph has the number of its frames, which batching needs, and that its nodes lie in them.

    Raises:
        DataError: If 'num_frames' is missing or no number of frames, or a node lies in no frame.
    """
    frame, given = graph.get("frame"), graph.get("num_frames")
    count = given.item() if isinstance(given, Tensor) and given.numel() == 1 else given
    if count is None and frame is None:
        return
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        got = "none" if given is None else repr(given)
        raise DataError(
            f"'num_frames' must be a whole number from 0 on, got {got}; set it to the number of frames."
        )
    if isinstance(frame, Tensor) and len(frame) and not 0 <= int(frame.min()) <= int(frame.max()) < count:
        raise DataError(
            f"'frame' must lie in 0..{count - 1}, got {int(frame.min())} to {int(frame.max())}; correct it or 'num_frames'."
        )


def _check_kinds(graph: Data) -> None:
    known = torch.isin(graph.edge_kind, torch.tensor(list(EdgeKind), device=graph.edge_kind.device))
    if not bool(known.all()):
        kind = int(graph.edge_kind[~known][0])
        raise DataError(
            f"'edge_kind' must hold kinds of EdgeKind, got {kind}: a transform added up the kinds of edges; use "
            "ToUndirected(reduce='max'), or delete it: del graph.edge_kind."
        )
    loops = (graph.edge_index[0] == graph.edge_index[1]) & (graph.edge_kind == EdgeKind.TIME)
    if bool(loops.any()):  # PyG's AddRemainingSelfLoops reorders edges without their kinds
        node = int(graph.edge_index[0, loops][0])
        raise DataError(f"'edge_kind' of ({node}, {node}) is TIME: {_LINK_AGAIN.format(name='edge_kind')}.")
