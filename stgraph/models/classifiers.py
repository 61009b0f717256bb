"""Classifiers of whole graphs, of tracks, and of pairs of boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from stgraph.checking import axes, check_values, checked
from stgraph.models.arguments import OptionalWidth, Probability, Width
from stgraph.models.classifier import (
    Classifier,
    Pool,
    count_groups,
    in_order,
    make_pool,
    needed_query,
    video_of_frames,
)
from stgraph.nn import EdgeAttributes
from stgraph.typing import FloatTensor, IntTensor, check_shape

if TYPE_CHECKING:
    from torch_geometric.data import Batch

    from stgraph.graph import VideoGraph

__all__ = ["GraphClassifier", "RelationClassifier", "TrackClassifier"]

PAIR_GEOMETRY = ("offset", "size", "velocity", "gap", "distance")
"""What :class:`RelationClassifier` reads of a pair besides its two nodes. Offsets in units of both boxes and their length
carry over to people never seen far better than offsets in units of the first box (docs/tracks.md)."""
MOST_TARGETS = 1 << 24
"""Largest number of tracks in a batch."""


@checked
class GraphClassifier(Classifier):
    """Classifies a whole graph, such as the action of a clip: boxes to frames by ``object_pool``, frames by ``pool``.

    Args:
        object_channels: As in :class:`Classifier`, like the arguments that are not explained here.
        num_classes: As in ``Classifier``.
        multi_label: As in ``Classifier``.
        num_labels: As in ``Classifier``.
        hidden_channels: As in ``Classifier``.
        num_layers: As in ``Classifier``.
        conv: As in ``Classifier``.
        conv_arguments: As in ``Classifier``.
        edge_attributes: As in ``Classifier``.
        edge_channels: As in ``Classifier``.
        both_directions: As in ``Classifier``.
        motion: As in ``Classifier``.
        object_pool: How the boxes of a frame become one vector: "mean" or "attention".
        pool: How the frames become one vector: "mean", "attention" or "recurrent".
        dropout: As in ``Classifier``.
        head_channels: As in ``Classifier``.

    Shapes: A batch of B graphs -> ``[B, C]``.

    Raises:
        OptionError: If arguments are out of range or contradict each other.

    Reference: our own design.
    """

    name = "graph_classifier"
    level = "graph"

    def __init__(
        self,
        object_channels: Width,
        num_classes: Width,
        *,
        multi_label: bool = False,
        num_labels: OptionalWidth = 0,
        hidden_channels: Width = 64,
        num_layers: OptionalWidth = 2,
        conv: str = "ResidualGCNConv",
        conv_arguments: dict[str, Any] | None = None,
        edge_attributes: tuple[str, ...] = (),
        edge_channels: OptionalWidth = 0,
        both_directions: bool = False,
        motion: bool = True,
        object_pool: Literal["mean", "attention"] = "mean",
        pool: Pool = "mean",
        dropout: Probability = 0.1,
        head_channels: OptionalWidth = 0,
    ) -> None:
        super().__init__(
            object_channels,
            num_classes,
            multi_label=multi_label,
            num_labels=num_labels,
            hidden_channels=hidden_channels,
            num_layers=num_layers,
            conv=conv,
            conv_arguments=conv_arguments,
            edge_attributes=edge_attributes,
            edge_channels=edge_channels,
            both_directions=both_directions,
            motion=motion,
            pool=pool,
            dropout=dropout,
            head_channels=head_channels,
        )
        self.object_pool = make_pool(object_pool, hidden_channels)

    @axes(nodes="N d")
    def targets(self, graph: VideoGraph | Batch, nodes: FloatTensor, query: IntTensor | None) -> Tensor:
        """One vector per graph."""
        video, num_videos = video_of_frames(graph)
        frames = self.object_pool(nodes, graph.frame, len(video))
        return self.pool(frames, video, num_videos)


@checked
class TrackClassifier(Classifier):
    """Classifies tracks, such as whether a pedestrian will cross: the boxes of a track by ``pool``, with their neighbours.

    Shapes: A batch, and the target of each node ``[N]`` (-1 none) -> ``[P, C]``. Arguments are those of
        :class:`Classifier`.

    Raises:
        OptionError: If arguments are out of range or contradict each other.

    Reference: our own design.
    """

    name = "track_classifier"
    level = "track"

    @axes(nodes="N d")
    def targets(self, graph: VideoGraph | Batch, nodes: FloatTensor, query: IntTensor | None) -> Tensor:
        """One vector per track."""
        query = needed_query(query, "tracks")
        check_shape("query", query, "N", N=nodes.size(0))
        check_values("query", query, MOST_TARGETS, low=-1)
        rows = (query >= 0).nonzero()[:, 0]
        rows = rows[in_order(query[rows], graph.frame[rows])]
        return self.pool(nodes[rows], query[rows], count_groups(query))


@checked
class RelationClassifier(Classifier):
    """Classifies pairs of boxes, such as what a hand does to a cup: both boxes, their geometry, and the rest of the frame.

    Boxes of the frame of the first one are pooled by ``pool`` for the last part.

    Shapes: A batch, and the nodes of each pair ``[2, P]`` -> ``[P, C]``. Arguments are those of :class:`Classifier`.

    Raises:
        OptionError: If arguments are out of range or contradict each other.

    Reference: our own design.
    """

    name = "relation_classifier"
    level = "pair"

    def target_channels(self, hidden_channels: int) -> int:
        """Width of both boxes, their product, the frame and the geometry."""
        self.geometry = EdgeAttributes(PAIR_GEOMETRY)
        return 4 * hidden_channels + self.geometry.channels

    @axes(nodes="N d")
    def targets(self, graph: VideoGraph | Batch, nodes: FloatTensor, query: IntTensor | None) -> Tensor:
        """One vector per pair."""
        query = needed_query(query, "pairs")
        check_shape("query", query, "2 P")
        check_values("query", query, nodes.size(0))
        i, j = query[0], query[1]
        video, _ = video_of_frames(graph)
        frames = self.pool(nodes, graph.frame, len(video))
        time = graph.get("time")
        time = nodes.new_full((len(nodes),), torch.nan) if time is None else time
        between = self.geometry(graph.box, query, graph.track, graph.frame, time, video[graph.frame])
        return torch.cat([nodes[i], nodes[j], nodes[i] * nodes[j], frames[graph.frame[i]], between], 1)
