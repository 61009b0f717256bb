"""A video's objects and their relations as a PyTorch Geometric graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor
from torch_geometric.data import Data

from stgraph.checking import checked
from stgraph.errors import DataError
from stgraph.features.streams import GRID
from stgraph.graph.edge_kind import EdgeKind
from stgraph.graph.networkx import attributes_from_networkx, to_networkx
from stgraph.graph.saving import load_graph, save_graph
from stgraph.graph.storage import VideoGraphStorage
from stgraph.html_table import html_table

if TYPE_CHECKING:
    import networkx

__all__ = ["VideoGraph"]


@checked
class VideoGraph(Data):
    """The spatio-temporal object graph of one video; nodes are boxes, sorted by frame.

    Edge (i, j) of weight G_ij is entry (i, j) of the paper's matrix: ``edge_index[0]`` is i and
    ``edge_index[1]`` is j; time edges point from frame t to t + 1. :class:`VideoGraphBuilder` sorts edges by
    (i, j). Every argument is optional, as for PyG's ``Data``, and further ones are kept. ``pos`` is the centre of each box
    in pixels ``[N, 2]``, so that PyG's position transforms work, until one of them sets it.

    Args:
        x: Features of each node.
        edge_index: Edges.
        edge_weight: Weight of each edge.
        edge_kind: :class:`~stgraph.graph.EdgeKind` of each edge as a number.
        frame: Position 0..T-1 of each node's frame among the sampled frames. A PyG ``Batch`` numbers frames
            through: its ``frame`` points into the joined scene streams.
        time: Seconds from the start of the file; NaN where unknown.
        box: Corners x1, y1, x2, y2 in pixels.
        score: Confidence of each node.
        label: Class of each node, -1 unknown.
        track: Identity of each node over time, -1 unknown.
        num_frames: T, frames without objects included; in a ``Batch`` one number per video.
        appearance: Frame features, one row per frame.
        motion: Clip features, one row per frame.
        category: Number of the video's category, -1 unknown.
        video_id: Name of the video.
        grid/NAME: Grid features, one row per frame; any number of them, as in ``graph["grid/i3d"]``.

    Shapes: x ``[N, F]``, edge_index ``[2, E]``, edge_weight, edge_kind ``[E]``, frame, time, score, label,
        track ``[N]``, box ``[N, 4]``, appearance ``[T, Fa]``, motion ``[T, Fm]``, category ``[1]``, grids ``[T, S, D]``.
    Reference: Eq. 3 of https://arxiv.org/abs/2003.13942.

    >>> graph = VideoGraph(x=torch.ones(2, 3), edge_index=torch.tensor([[0, 1], [1, 0]]),
    ...                    frame=torch.tensor([0, 0]), num_frames=2, appearance=torch.zeros(2, 5))
    >>> graph.subgraph(torch.tensor([1]))
    VideoGraph(x=[1, 3], edge_index=[2, 0], frame=[1], num_frames=2, appearance=[2, 5])
    """

    def __init__(self, x: Tensor | None = None, edge_index: Tensor | None = None, **kwargs: Any) -> None:
        super().__init__()
        self.__dict__["_store"] = VideoGraphStorage(_parent=self)
        for key, value in {"x": x, "edge_index": edge_index, **kwargs}.items():
            if value is not None:
                setattr(self, key, value)

    def __inc__(self, key: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        if key == "frame":
            if self.get("num_frames") is None:
                raise DataError(
                    "A graph with 'frame' must have 'num_frames' to be batched, got none; set it."
                )
            return int(torch.as_tensor(self.num_frames).sum())  # a sum, as a batch may be batched again
        if key.startswith(GRID):  # whatever else its name holds, such as PyG's "index" or "batch"
            return 0
        return super().__inc__(key, value, *args, **kwargs)

    def __cat_dim__(self, key: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        return 0 if key.startswith(GRID) else super().__cat_dim__(key, value, *args, **kwargs)

    def _repr_html_(self) -> str:
        """What a notebook shows: the numbers of boxes, frames and edges by kind."""
        frames = int(torch.as_tensor(self.get("num_frames", 0)).sum())
        kinds, weights = self.get("edge_kind"), self.get("edge_weight")
        names = {kind.value: f"edges, {kind.name.lower()}" for kind in EdgeKind}
        rows: list[tuple[object, ...]] = [("frames", frames, ""), ("boxes", self.num_nodes, "")]
        if kinds is None or weights is None or not self.num_edges == len(kinds) == len(weights):
            rows.append(("edges", self.num_edges, ""))
        else:
            for kind in kinds.unique().tolist():
                of_kind = weights[kinds == kind]
                span = f"{float(of_kind.min()):.3g} to {float(of_kind.max()):.3g}"
                rows.append((names.get(kind, f"edges, kind {kind}"), len(of_kind), span))
        video_id = self.get("video_id")
        title = type(self).__name__ + (f" of {video_id}" if isinstance(video_id, str) else "")
        return html_table(title, ("", "number", "weights"), rows)

    def snapshot(self, start_time: float, end_time: float, attr: str = "time") -> Self:
        """Keeps the nodes whose time lies in the span, and the edges between them; all frames stay.

        PyG's method takes times to be those of edges; with times of nodes it would leave edges to removed nodes.
        """
        if attr not in self or not self.is_node_attr(attr):
            return super().snapshot(start_time, end_time, attr)
        return self.subgraph((self[attr] >= start_time) & (self[attr] <= end_time))

    def up_to(self, end_time: float) -> Self:
        """Keeps the nodes seen at ``end_time`` or before, and the edges between them; all frames stay."""
        return self.snapshot(-torch.inf, end_time)

    @property
    def pos(self) -> Tensor | None:
        """Position of each node in pixels, ``[N, 2]``: the centre of its box, unless set to something else."""
        return self["pos"] if "pos" in self or "box" in self else None

    @pos.setter
    def pos(self, pos: Tensor | None) -> None:
        self._store.pos = pos

    def to_networkx(self, label_names: Sequence[str] | Mapping[int, str] | None = None) -> networkx.DiGraph:
        """Converts the graph to NetworkX with plain values; see :func:`stgraph.graph.to_networkx`."""
        return to_networkx(self, label_names)

    @classmethod
    def from_networkx(
        cls, nx_graph: networkx.Graph, label_names: Sequence[str] | Mapping[int, str] | None = None
    ) -> Self:
        """Makes a graph of a NetworkX graph with the attributes that :meth:`to_networkx` writes, or some of them.

        Args:
            nx_graph: Nodes of any names, which are numbered in their order; an undirected edge becomes two.
            label_names: Name of each class, by number, if ``label`` holds names.

        Raises:
            DataError: If only some nodes or edges have an attribute (``time`` excepted), or a value is of another type.
        """
        return cls(**attributes_from_networkx(nx_graph, label_names))

    def save(self, path: str | Path, label_names: Sequence[str] | Mapping[int, str] | None = None) -> None:
        """Writes the graph with all of its attributes to a .pt, .graphml, .gexf or .json file.

        The last three hold plain values for other programs too, and what these cannot hold (features, streams, grids) in
        an attribute ``stgraph``. Values of nodes and edges that another program changed are read back changed.

        Args:
            path: File whose suffix says how to write.
            label_names: Names of the classes, by number, to write beside the numbers.

        Raises:
            OptionError: If the suffix is another.
            DataError: If the graph is a batch or inconsistent, or an attribute cannot be written in this kind of file.
        """
        save_graph(self, path, label_names)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads a graph that :meth:`save` wrote, or that NetworkX wrote with such attributes.

        Raises:
            OptionError: If the suffix is none of .pt, .graphml, .gexf and .json.
            MissingDataError: If there is no such file.
            DataError: If the file is not of a video graph, or its nodes, edges and attributes do not fit together.
        """
        return load_graph(path, cls)


# Files of InMemoryDataset name the class, and torch.load(weights_only=True) takes only registered classes.
torch.serialization.add_safe_globals([VideoGraph])
