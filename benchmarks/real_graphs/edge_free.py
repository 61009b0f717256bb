"""Encoders without edges, of the same interface as the graph encoder: a Transformer over all boxes, a GRU per track."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.utils import to_dense_batch

from stgraph.models.object_encoder import ObjectEncoder

NUM_CODES = 64
"""Codes of identities; tracks of one video get different ones, drawn anew at each step of training."""


class BoxTransformer(nn.Module):
    """Attention among all boxes of a video, each with a code of its time and a code of its identity."""

    def __init__(self, object_channels: int, hidden_channels: int, **arguments: Any) -> None:
        super().__init__()
        self.embed = ObjectEncoder(object_channels, hidden_channels, 0, **arguments)
        self.codes = nn.Embedding(NUM_CODES, hidden_channels)
        layer = nn.TransformerEncoderLayer(
            hidden_channels, 4, 2 * hidden_channels, dropout=0.1, batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, graph: Any) -> Tensor:
        """Graphs -> one vector per box, ``[N, d]``."""
        video = _video(graph)
        x = self.embed(graph)
        identity = _identity(graph, video)
        order = torch.randperm(NUM_CODES) if self.training else torch.arange(NUM_CODES)
        first = _frame_in_video(graph, video)
        x = x + self.codes(order[identity % NUM_CODES]) + _time_code(first, x.size(1))
        out = torch.empty_like(x)
        for rows in _of_like_length(video):  # so that short videos are not padded to the longest one
            _, which = torch.unique_consecutive(video[rows], return_inverse=True)
            dense, mask = to_dense_batch(x[rows], which)
            out[rows] = self.layers(dense, src_key_padding_mask=~mask)[mask]
        return out


class TrackGRU(nn.Module):
    """A GRU along each track, in both directions; boxes of other tracks are not seen."""

    def __init__(self, object_channels: int, hidden_channels: int, **arguments: Any) -> None:
        super().__init__()
        self.embed = ObjectEncoder(object_channels, hidden_channels, 0, **arguments)
        self.gru = nn.GRU(
            hidden_channels, hidden_channels // 2, num_layers=2, batch_first=True, bidirectional=True
        )

    def forward(self, graph: Any) -> Tensor:
        """Graphs -> one vector per box, ``[N, d]``."""
        video = _video(graph)
        _, key = torch.unique(torch.stack([video, graph.track]), dim=1, return_inverse=True)
        order = key.argsort(stable=True)  # boxes are sorted by frame already
        dense, mask = to_dense_batch(self.embed(graph)[order], key[order])
        packed = nn.utils.rnn.pack_padded_sequence(dense, mask.sum(1), batch_first=True, enforce_sorted=False)
        found, _ = nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], batch_first=True)
        out = found.new_empty(len(order), found.size(2))
        out[order] = found[mask]
        return out


def _of_like_length(video: Tensor) -> list[Tensor]:
    """Nodes of groups of videos with about as many boxes each."""
    counts = torch.bincount(video)
    groups = counts.argsort().split(8)
    return [torch.isin(video, group).nonzero()[:, 0] for group in groups if int(counts[group].sum())]


def _video(graph: Any) -> Tensor:
    batch = graph.get("batch")
    return torch.zeros(len(graph.x), dtype=torch.long) if batch is None else batch


def _identity(graph: Any, video: Tensor) -> Tensor:
    """Number of each box's track among those of its video, ``[N]``."""
    pairs, key = torch.unique(torch.stack([video, graph.track]), dim=1, return_inverse=True)
    start = torch.searchsorted(pairs[0].contiguous(), torch.arange(int(video.max()) + 1))
    return key - start[video]


def _frame_in_video(graph: Any, video: Tensor) -> Tensor:
    counts = torch.as_tensor(graph.num_frames).reshape(-1)
    return graph.frame - (counts.cumsum(0) - counts)[video]


def _time_code(frame: Tensor, channels: int) -> Tensor:
    rates = torch.exp(torch.arange(0, channels, 2) * (-math.log(100.0) / channels))
    angle = frame[:, None] * rates
    return torch.cat([angle.sin(), angle.cos()], 1)[:, :channels]
