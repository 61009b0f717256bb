"""A video's objects and their relations as a PyTorch Geometric graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor
from torch_geometric.data import Data

from stgraph.graph.storage import GRID, VideoGraphStorage

if TYPE_CHECKING:
    import networkx

__all__ = ["VideoGraph"]


class VideoGraph(Data):
    """The spatio-temporal object graph of one video; nodes are boxes, sorted by frame.

    Edge (i, j) of weight G_ij is entry (i, j) of the paper's matrix: ``edge_index[0]`` is i and
    ``edge_index[1]`` is j; time edges point from frame t to t + 1. :class:`VideoGraphBuilder` sorts edges by
    (i, j). Every argument is optional, as for PyG's ``Data``, and further ones are kept.

    Args:
        x: Features of each node.
        edge_index, edge_weight, edge_kind: Edges, their weights, and their :class:`~stgraph.graph.EdgeKind` as a number.
        frame: Position 0..T-1 of each node's frame among the sampled frames. A PyG ``Batch`` numbers frames
            through: its ``frame`` points into the joined scene streams.
        time: Seconds from the start of the file; NaN where unknown.
        box: Corners x1, y1, x2, y2 in pixels.
        score, label, track: Confidence, class (-1 unknown) and identity (-1 unknown) of each node.
        num_frames: T, frames without objects included; in a ``Batch`` one number a video.
        appearance, motion: Scene streams, one row a frame.
        category: Number of the video's category, -1 unknown.
        video_id: Name of the video.
        grid/NAME: A grid's row of each frame; any number of them, as in ``graph["grid/i3d"]``.

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
            return int(torch.as_tensor(self.num_frames).sum())  # a sum, as a batch may be batched again
        if key.startswith(GRID):  # whatever else its name holds, such as PyG's "index" or "batch"
            return 0
        return super().__inc__(key, value, *args, **kwargs)

    def __cat_dim__(self, key: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        return 0 if key.startswith(GRID) else super().__cat_dim__(key, value, *args, **kwargs)

    def snapshot(self, start_time: float, end_time: float, attr: str = "time") -> Self:
        """Keeps the nodes whose time lies in the span, and the edges between them; all frames stay.

        PyG takes times for those of edges; with times of nodes it would leave edges to nodes that are gone.
        """
        if attr not in self or not self.is_node_attr(attr):
            return super().snapshot(start_time, end_time, attr)
        return self.subgraph((self[attr] >= start_time) & (self[attr] <= end_time))

    def up_to(self, end_time: float) -> Self:
        """Keeps the nodes seen at ``end_time`` or before, and the edges between them; all frames stay."""
        return self.snapshot(-torch.inf, end_time)

    def to_networkx(self, label_names: Sequence[str] | Mapping[int, str] | None = None) -> networkx.DiGraph:
        """The graph and its attributes as plain values; see :func:`stgraph.graph.networkx.to_networkx`."""
        from stgraph.graph.networkx import to_networkx

        return to_networkx(self, label_names)


# Files of InMemoryDataset name the class, and torch.load(weights_only=True) takes only those it was told of.
torch.serialization.add_safe_globals([VideoGraph])
