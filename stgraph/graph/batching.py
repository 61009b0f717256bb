"""PyG's Batch straight from columns, without a graph a video in between."""

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
    """Makes what ``Batch.from_data_list`` makes of the videos' graphs, with all it needs to be taken apart
    again.

    Args:
        nodes, streams: Columns of all videos, frames numbered through.
        edges: ``edge_index``, ``edge_weight`` and ``edge_kind`` of all videos, sorted by row.
        video_id, category: Name of each video, and the number of its category.
    """
    num_videos = len(nodes.node_ptr) - 1
    edge_ptr = torch.searchsorted(edges["edge_index"][0].contiguous(), nodes.node_ptr)
    each, none = torch.arange(num_videos + 1), torch.zeros(num_videos, dtype=torch.long)
    videos = {"num_frames": nodes.frame_ptr.diff(), "category": category}
    columns = nodes.values | edges | videos | streams
    starts = dict.fromkeys(nodes.values, nodes.node_ptr) | dict.fromkeys(edges, edge_ptr)
    starts |= dict.fromkeys(videos, each) | dict.fromkeys(streams, nodes.frame_ptr)
    increments = {"edge_index": nodes.node_ptr[:-1], "frame": nodes.frame_ptr[:-1]}

    batch = Batch(_base_cls=VideoGraph)
    given = [name for name in columns if columns[name] is not None]
    for name in given:
        batch[name] = columns[name]
    batch._slice_dict = {name: starts[name] for name in given}
    batch._inc_dict = {name: increments.get(name, none) for name in given}
    if video_id is not None:
        batch.video_id = video_id
        batch._slice_dict["video_id"], batch._inc_dict["video_id"] = each, None
    batch.batch, batch.ptr = nodes.video, nodes.node_ptr
    batch._num_graphs = num_videos
    return batch
