"""Storage of a VideoGraph, which tells node and edge attributes apart by name."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch_geometric.data import Batch
from torch_geometric.data.storage import GlobalStorage

from stgraph.features.streams import GRID

__all__ = ["VideoGraphStorage", "box_centers"]

_NODE = frozenset({"x", "frame", "time", "box", "score", "label", "track", "keypoints", "batch", "pos"})
_EDGE = frozenset({"edge_index", "edge_weight", "edge_kind"})
# Attributes of frames or of whole videos, as are all that begin with GRID.
_OTHER = frozenset({"appearance", "motion", "num_frames", "video_id", "category", "ptr"})


class VideoGraphStorage(GlobalStorage):
    """PyG's storage, which infers an attribute's level from its size only if :class:`VideoGraph` doesn't define it.

    PyG treats an attribute as one of nodes if its length equals the number of nodes. With T == N it would slice the scene
    streams with the nodes, with T == E permute them with the edges, and with B == N slice ``num_frames [B]`` of a batch.

    ``pos`` is computed from ``box`` unless it was set, so it costs no memory and follows the boxes.
    """

    def __getitem__(self, key: str) -> Any:
        # Positions are the centres of boxes until a transform sets others.
        if key == "pos" and key not in self._mapping and isinstance(self._mapping.get("box"), Tensor):
            return box_centers(self._mapping["box"])
        return super().__getitem__(key)

    def is_node_attr(self, key: str) -> bool:
        """Whether ``key`` has one row per node."""
        level = _level(key)
        return super().is_node_attr(key) if level is None else level is _NODE

    def is_edge_attr(self, key: str) -> bool:
        """Whether ``key`` has one row (``edge_index``: one column) per edge."""
        level = _level(key)
        return super().is_edge_attr(key) if level is None else level is _EDGE

    def __setitem__(self, key: str, value: Any) -> None:
        # PyG returns numbers as one-element tensors when it separates a batch.
        if key == "num_frames" and isinstance(value, Tensor) and not isinstance(self._parent(), Batch):
            value = int(value) if value.numel() == 1 else value
        super().__setitem__(key, value)


def box_centers(box: Tensor) -> Tensor:
    """Centres x, y of boxes in pixels, ``[N, 4] -> [N, 2]``."""
    return (box[:, :2] + box[:, 2:]) / 2


def _level(key: str) -> frozenset[str] | None:
    """The set that contains ``key``; None for attributes added by the user."""
    if key.startswith(GRID):
        return _OTHER
    if key.endswith("_ptr"):  # added by follow_batch, like "_batch" below
        key = "ptr"
    key = key.removesuffix("_batch")
    return next((level for level in (_NODE, _EDGE, _OTHER) if key in level), None)
