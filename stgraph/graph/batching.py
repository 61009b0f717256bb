"""Builds a PyG Batch directly from columns, without one graph per video."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Batch

from stgraph.graph.nodes import Nodes
from stgraph.graph.video_graph import VideoGraph

__all__ = ["make_batch"]


def make_batch(
    nodes: Nodes,
    edges: dict[str, Tensor],
    streams: dict[str, Tensor | None],
    video_id: list[str] | None,
    category: Tensor | None = None,
) -> Batch:
    """Builds the batch that ``Batch.from_data_list`` would, including what ``to_data_list`` needs to separate it.

    Args:
        nodes: Node columns of all videos, with frames numbered consecutively over the batch.
        edges: ``edge_index``, ``edge_weight`` and ``edge_kind`` of all videos, sorted by row.
        streams: Frame features of all videos, concatenated; None for absent streams.
        video_id: Name of each video.
        category: Category number of each video.

    Returns:
        A batch of :class:`VideoGraph`.
    """
    num_videos = len(nodes.node_ptr) - 1
    edge_ptr = torch.searchsorted(edges["edge_index"][0].contiguous(), nodes.node_ptr)
    device = nodes.node_ptr.device
    each, none = torch.arange(num_videos + 1), torch.zeros(num_videos, dtype=torch.long)
    videos = {
        "num_frames": nodes.frame_ptr.diff(),
        "category": None if category is None else category.to(device),
    }
    columns = nodes.values | edges | videos | streams
    starts = dict.fromkeys(nodes.values, nodes.node_ptr) | dict.fromkeys(edges, edge_ptr)
    starts |= dict.fromkeys(videos, each) | dict.fromkeys(streams, nodes.frame_ptr)
    increments = {"edge_index": nodes.node_ptr[:-1], "frame": nodes.frame_ptr[:-1]}

    batch = Batch(_base_cls=VideoGraph)
    given = [name for name in columns if columns[name] is not None]
    for name in given:
        batch[name] = columns[name]
    batch._slice_dict = {name: starts[name].cpu() for name in given}  # PyG takes batches apart on the CPU
    batch._inc_dict = {name: increments.get(name, none).cpu() for name in given}
    if video_id is not None:
        batch.video_id = video_id
        batch._slice_dict["video_id"], batch._inc_dict["video_id"] = each, None
    batch.batch, batch.ptr = nodes.video, nodes.node_ptr
    batch._num_graphs = num_videos
    return batch
