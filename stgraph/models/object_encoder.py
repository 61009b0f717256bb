"""From a graph of boxes to one vector per box."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from stgraph.errors import DataError, OptionError
from stgraph.nn import EdgeAttributes, GraphEncoder, box_motion, pyg_conv
from stgraph.nn.linear import Linear
from stgraph.typing import check_shape

if TYPE_CHECKING:
    from torch_geometric.data import Batch

    from stgraph.graph import VideoGraph

__all__ = ["NUM_KINDS", "ObjectEncoder"]

NUM_KINDS = 3
"""Kinds of edges: space, time, dense."""
LABEL_CHANNELS = 16
SMALLEST_SPREAD = 1e-6
"""A standard deviation below it is that of a channel that does not vary."""


class ObjectEncoder(nn.Module):
    r"""Features, class and motion of each box, then graph convolutions.

    .. math:: H^{(0)} = \operatorname{ReLU}(W [x_i ; \text{class}_i ; \operatorname{asinh}(v_i / (w_i, h_i))] + b)

    with v the velocity of :func:`~stgraph.nn.box_motion`, features and velocities scaled by :meth:`standardize`, then
    :class:`~stgraph.nn.GraphEncoder`.

    Args:
        object_channels: Width of ``x``.
        hidden_channels: Width d.
        num_layers: Number of convolutions; 0 leaves the boxes to themselves.
        conv: "ResidualGCNConv", the paper's, or the name of a convolution of PyTorch Geometric.
        conv_arguments: Further arguments of that convolution.
        edge_attributes: Attributes that its edges get; see :class:`~stgraph.nn.EdgeAttributes`.
        edge_channels: Width of a layer with a ReLU that the edge attributes pass first; 0 hands them on as they are.
        both_directions: Whether each edge also carries messages back, as an edge of another kind, unless the graph has
            the reverse edge, too.
        num_labels: Number of classes of things; 0 does not read ``label``.
        motion: Whether to read the velocity of each box.

    Shapes: A ``VideoGraph`` or batch with N nodes -> ``[N, d]``.

    Raises:
        OptionError: If the arguments contradict each other.
        DataError: If the graphs lack an attribute that is read.

    Reference: our own design.
    """

    def __init__(
        self,
        object_channels: int,
        hidden_channels: int,
        num_layers: int = 2,
        *,
        conv: str = "ResidualGCNConv",
        conv_arguments: Mapping[str, Any] | None = None,
        edge_attributes: Sequence[str] = (),
        edge_channels: int = 0,
        both_directions: bool = False,
        num_labels: int = 0,
        motion: bool = True,
    ) -> None:
        super().__init__()
        ours = conv == "ResidualGCNConv"
        if ours and (edge_attributes or conv_arguments):
            raise OptionError(
                "'edge_attributes' and 'conv_arguments' must be empty for 'ResidualGCNConv', which takes weights of edges "
                "only; choose another 'conv', such as 'GATv2Conv'."
            )
        self.object_channels, self.motion, self.both_directions = object_channels, motion, both_directions
        if edge_channels and not edge_attributes:
            raise OptionError(
                "'edge_channels' must be 0 without 'edge_attributes', on which that layer works."
            )
        self.labels = nn.Embedding(num_labels + 1, LABEL_CHANNELS) if num_labels else None
        self.edge_attributes = EdgeAttributes(edge_attributes) if edge_attributes else None
        attributes = 0 if self.edge_attributes is None else self.edge_attributes.channels
        self.embed_edges = (
            nn.Sequential(nn.Linear(attributes, edge_channels), nn.ReLU()) if edge_channels else nn.Identity()
        )
        width = object_channels + 2 * motion
        self.register_buffer("center", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.embed = nn.Sequential(
            Linear(width + (LABEL_CHANNELS if num_labels else 0), hidden_channels), nn.ReLU()
        )
        convs = None
        if not ours:
            convs = [
                pyg_conv(
                    conv,
                    hidden_channels,
                    edge_channels=edge_channels or attributes,
                    num_kinds=NUM_KINDS * (1 + both_directions),
                    arguments=conv_arguments,
                )
                for _ in range(num_layers)
            ]
        self.graph_encoder = GraphEncoder(hidden_channels, hidden_channels, num_layers, convs=convs)

    center: Tensor
    spread: Tensor

    def standardize(self, batches: Iterable[VideoGraph | Batch]) -> None:
        """Has each channel of features and velocities enter with mean 0 and variance 1 over the boxes of these graphs.

        Places are shares of the picture and velocities are small, so that a network takes long to tell them apart as they
        are. Channels that do not vary keep their scale.

        Args:
            batches: The training graphs.
        """
        count, total = 0, self.center.new_zeros(2, len(self.center), dtype=torch.float64)
        for graph in batches:
            inputs = self._inputs(graph).double()
            count += len(inputs)
            total += torch.stack([inputs.sum(0), inputs.square().sum(0)])
        if not count:
            return
        mean, square = total / count
        deviation = (square - mean.square()).clamp(min=0).sqrt()
        self.center.copy_(mean)
        self.spread.copy_(deviation.where(deviation > SMALLEST_SPREAD, 1))

    def forward(self, graph: VideoGraph | Batch) -> Tensor:
        """Computes the vectors of all boxes."""
        scaled = (self._inputs(graph) - self.center) / self.spread
        parts = list(scaled.split([self.object_channels, scaled.size(1) - self.object_channels], dim=1))
        if self.labels is not None:
            label = _needed(graph, "label")
            known = (label >= 0) & (label < self.labels.num_embeddings - 1)
            parts.insert(1, self.labels(torch.where(known, label + 1, 0)))
        edge_index, edge_weight, edge_type = self._edges(graph)
        edge_attr = None
        if self.edge_attributes is not None:
            box, track = _needed(graph, "box"), _needed(graph, "track")
            edge_attr = self.embed_edges(
                self.edge_attributes(box, edge_index, track, graph.frame, *_time_and_video(graph))
            )
        return self.graph_encoder.nodes(
            self.embed(torch.cat(parts, 1)), edge_index, edge_weight, edge_attr=edge_attr, edge_type=edge_type
        )

    def _inputs(self, graph: VideoGraph | Batch) -> Tensor:
        """Features and velocity of each box."""
        x = graph.x
        check_shape("x", x, "N F", F=self.object_channels)
        if not self.motion:
            return x
        box, track = _needed(graph, "box"), _needed(graph, "track")
        velocity = box_motion(box, track, graph.frame, *_time_and_video(graph))
        return torch.cat([x, torch.asinh(velocity / (box[:, 2:] - box[:, :2]).clamp(min=1))], 1)

    def _edges(self, graph: VideoGraph | Batch) -> tuple[Tensor, Tensor | None, Tensor]:
        edge_index, weight, kind = graph.edge_index, graph.get("edge_weight"), graph.get("edge_kind")
        kind = edge_index.new_zeros(edge_index.size(1)) if kind is None else kind
        if not self.both_directions:
            return edge_index, weight, kind
        back = ~_has_reverse(edge_index, len(graph.x))
        weight = None if weight is None else torch.cat([weight, weight[back]])
        return (
            torch.cat([edge_index, edge_index[:, back].flip(0)], 1),
            weight,
            torch.cat([kind, kind[back] + NUM_KINDS]),
        )


def _time_and_video(graph: VideoGraph | Batch) -> tuple[Tensor, Tensor]:
    """Time of each box, NaN where unknown, and its video."""
    x, video, time = graph.x, graph.get("batch"), graph.get("time")
    return (
        x.new_full((len(x),), torch.nan) if time is None else time,
        x.new_zeros(len(x), dtype=torch.long) if video is None else video,
    )


def _has_reverse(edge_index: Tensor, num_nodes: int) -> Tensor:
    """Whether the reverse of each edge is an edge, too, ``[E]``."""
    key, reverse = edge_index[0] * num_nodes + edge_index[1], edge_index[1] * num_nodes + edge_index[0]
    known, _ = key.sort()  # those of a builder are in order already
    return known[torch.searchsorted(known, reverse).clamp(max=max(len(known) - 1, 0))] == reverse


def _needed(graph: VideoGraph | Batch, name: str) -> Tensor:
    value = graph.get(name)
    if value is None:
        raise DataError(
            f"This model reads '{name}' of each box, but the graphs have none; build them from Detections."
        )
    return value
