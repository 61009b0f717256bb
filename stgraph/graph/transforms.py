"""PyG transforms that give a graph what the builder gives."""

from __future__ import annotations

import torch
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import BaseTransform

from stgraph.checking import checked
from stgraph.errors import DataError
from stgraph.graph.builder import VideoGraphBuilder
from stgraph.graph.edges.join import join_edges
from stgraph.graph.nodes import Nodes
from stgraph.graph.storage import box_centers
from stgraph.typing import check_shape

__all__ = ["BoxCenters", "LinkObjects"]


@checked
class BoxCenters(BaseTransform):
    """Sets ``pos`` to the centres of the boxes in pixels, ``box [N, 4] -> pos [N, 2]``.

    A :class:`~stgraph.graph.VideoGraph` has them already; this is for other ``Data``, and to undo transforms of ``pos``.

    Raises:
        DataError: If the graph has no ``box``.
    """

    def forward(self, data: Data) -> Data:
        """Sets the positions of a graph or batch."""
        _check_has(data, "box")
        check_shape("box", data.box, "N 4")
        data.pos = box_centers(data.box)
        return data


@checked
class LinkObjects(BaseTransform):
    """Replaces the edges of a graph or batch by those of a builder's rules: ``edge_index``, ``edge_weight``, ``edge_kind``.

    Use it after transforms that change nodes or edges. Reads ``x``, ``box``, ``frame`` and ``num_frames``, and ``time``,
    ``score``, ``label`` and ``track`` if the graph has them; nodes are not cut or padded. ``edge_attr`` and ``adj_t``,
    which belong to the edges before, are removed.

    Args:
        builder: The builder whose rules link the objects; None: those of ``VideoGraphBuilder()``.

    Raises:
        DataError: If the graph lacks one of the attributes, or its nodes are not sorted by frame.

    >>> from stgraph.graph import VideoGraph
    >>> box, frame = torch.tensor([[0.0, 0, 2, 2]] * 2), torch.tensor([0, 1])
    >>> graph = VideoGraph(torch.ones(2, 1), box=box, frame=frame, num_frames=2)
    >>> LinkObjects()(graph).edge_index
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """

    def __init__(self, builder: VideoGraphBuilder | None = None) -> None:
        self.builder = VideoGraphBuilder() if builder is None else builder

    def forward(self, data: Data) -> Data:
        """Links the objects of a graph or batch."""
        for name in ("x", "box", "frame", "num_frames"):
            _check_has(data, name)
        if bool((data.frame.diff() < 0).any()):
            raise DataError(
                "The nodes must be sorted by frame; sort them, for example with data.subgraph(order)."
            )
        nodes = _nodes(data)
        edges = join_edges(self.builder.rules, nodes)
        for name in ("edge_attr", "adj_t"):
            if name in data:
                del data[name]
        for name, value in edges.items():
            data[name] = value.to(data.x.device)
        if isinstance(data, Batch):
            self._number(data, nodes, edges["edge_index"][0])
        return data

    def _number(self, batch: Batch, nodes: Nodes, row: torch.Tensor) -> None:
        """Records which edges are of which graph, so that the batch can be taken apart again."""
        starts = torch.searchsorted(row.contiguous(), nodes.node_ptr)
        none = torch.zeros(len(nodes.node_ptr) - 1, dtype=torch.long)
        for name in ("edge_index", "edge_weight", "edge_kind"):
            batch._slice_dict[name] = starts
            batch._inc_dict[name] = nodes.node_ptr[:-1] if name == "edge_index" else none
        for name in ("edge_attr", "adj_t"):
            batch._slice_dict.pop(name, None)
            batch._inc_dict.pop(name, None)

    def __repr__(self) -> str:
        return f"LinkObjects({self.builder})"


def _nodes(data: Data) -> Nodes:
    num_nodes = len(data.frame)
    if isinstance(data, Batch):
        video, node_ptr = data.batch.cpu(), data.ptr.cpu()
    else:
        video, node_ptr = torch.zeros(num_nodes, dtype=torch.long), torch.tensor([0, num_nodes])
    frames = torch.as_tensor(data.num_frames).cpu().reshape(-1)
    unknown = {
        "time": torch.full((num_nodes,), torch.nan),
        "score": torch.ones(num_nodes),
        "label": torch.full((num_nodes,), -1),
        "track": torch.full((num_nodes,), -1),
    }
    given = {name: data[name].cpu() for name in ("x", "box", "frame", *unknown) if name in data}
    return Nodes(
        values=unknown | given,
        video=video,
        node_ptr=node_ptr,
        frame_ptr=torch.cat([frames.new_zeros(1), frames.cumsum(0)]),
    )


def _check_has(data: Data, name: str) -> None:
    if name not in data or data[name] is None:
        raise DataError(f"The graph has no '{name}', which this transform reads; add it before.")
