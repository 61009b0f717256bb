"""The base class of models that classify videos, tracks or pairs of boxes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self

import torch
from torch import Tensor, nn

from stgraph.checking import checked
from stgraph.errors import OptionError
from stgraph.models.arguments import OptionalWidth, Probability, Width, constructor_arguments
from stgraph.models.object_encoder import ObjectEncoder
from stgraph.models.video_model import VideoModel
from stgraph.nn import FrameAttentionPool, FrameMeanPool, RecurrentPool
from stgraph.nn.linear import Linear
from stgraph.typing import FloatTensor, IntTensor

if TYPE_CHECKING:
    from torch_geometric.data import Batch

    from stgraph.graph import VideoGraph

__all__ = ["ClassificationSizes", "Classifier", "Level", "Pool"]

Level = Literal["graph", "track", "pair"]
"""What has a class: a whole graph, a track, or a pair of nodes."""
Pool = Literal["mean", "attention", "recurrent"]


class ClassificationSizes(Protocol):
    """What a model takes from its training data; a ``ClassificationDataModule`` offers it."""

    @property
    def level(self) -> Level:
        """What has a class."""

    @property
    def num_classes(self) -> int:
        """Number of classes."""

    @property
    def multi_label(self) -> bool:
        """Whether a target may have several classes or none."""

    @property
    def widths(self) -> Mapping[str, int]:
        """Feature width of each stream."""

    @property
    def num_labels(self) -> int:
        """Number of classes of things."""

    @property
    def has_tracks(self) -> bool:
        """Whether the boxes have places and tracks."""

    def graph_batches(self, split: str) -> Iterable[VideoGraph | Batch]:
        """Graphs of a split, in batches."""


@checked
class Classifier(VideoModel):
    """Graphs -> classes: one vector per box, then a head for videos, tracks or pairs of boxes.

    A subclass sets ``level`` and answers :meth:`targets`, one vector per target; a linear layer, or two of them, score the
    classes.

    Args:
        object_channels: Width of the boxes' features.
        num_classes: Number of classes C.
        multi_label: Whether a target may have several classes or none.
        num_labels: Number of classes of things, which each box has one of; 0 does not read ``label``.
        hidden_channels: Width d; even.
        num_layers: Number of graph convolutions; 0 has no edges.
        conv: "ResidualGCNConv", the paper's, or the name of a convolution of PyTorch Geometric, such as "GATv2Conv".
        conv_arguments: Further arguments of that convolution, such as ``{"heads": 4}``.
        edge_attributes: Attributes of the edges: some of "position", "size", "velocity", "gap", "distance" and "offset".
        edge_channels: Width of a layer with a ReLU that the edge attributes pass first; 0 hands them on as they are.
        both_directions: Whether each edge also carries messages back, as an edge of another kind, unless the graph has
            the reverse edge, too.
        motion: Whether to read the velocity of each box.
        pool: How several vectors become one: "mean", "attention", or "recurrent", which keeps their order in time.
        dropout: Dropout probability before the head.
        head_channels: Width of a layer with a ReLU between the target's vector and the scores; 0 has none.

    Shapes: A batch of ``VideoGraph`` -> logits ``[P, C]`` of P targets.

    Raises:
        OptionError: If arguments are out of range or contradict each other.

    Reference: our own design.
    """

    level: ClassVar[Level]

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
        pool: Pool = "mean",
        dropout: Probability = 0.1,
        head_channels: OptionalWidth = 0,
    ) -> None:
        super().__init__()
        self.num_classes, self.multi_label = num_classes, multi_label
        self.encoder = ObjectEncoder(
            object_channels,
            hidden_channels,
            num_layers,
            conv=conv,
            conv_arguments=conv_arguments,
            edge_attributes=edge_attributes,
            edge_channels=edge_channels,
            both_directions=both_directions,
            num_labels=num_labels,
            motion=motion,
        )
        self.pool = make_pool(pool, hidden_channels)
        self.dropout = nn.Dropout(dropout)
        channels = self.target_channels(hidden_channels)
        self.head = (
            nn.Sequential(Linear(channels, head_channels), nn.ReLU(), Linear(head_channels, num_classes))
            if head_channels
            else Linear(channels, num_classes)
        )

    @classmethod
    def for_data(cls, data: ClassificationSizes, *, standardize: bool = False, **arguments: Any) -> Self:
        """Builds the model for a data set: its classes, widths, kinds of things and scales of features.

        Args:
            data: Usually a ``ClassificationDataModule``.
            standardize: Whether features and velocities get mean 0 and variance 1 over the training graphs, which speeds up
                training; classes that depend on small differences of place can suffer (docs/tracks.md).
            arguments: Constructor arguments; they come before what the data say.

        Raises:
            OptionError: If the targets of the data are of another level, an argument is unknown or out of its range, or
                ``standardize`` is asked of a model with an encoder of its own.
        """
        if data.level != cls.level:
            raise OptionError(
                f"'data' must have targets of the level '{cls.level}' for {cls.__name__}, got '{data.level}'; give the data "
                "other targets, or use another model."
            )
        found = {
            "object_channels": data.widths["object"],
            "num_classes": data.num_classes,
            "multi_label": data.multi_label,
            "num_labels": data.num_labels,
            "motion": data.has_tracks,
        }
        known = constructor_arguments(cls)
        model = cls(**{name: value for name, value in found.items() if name in known} | arguments)
        if standardize:
            if not isinstance(model.encoder, ObjectEncoder):
                raise OptionError(
                    f"'standardize' must be False for {cls.__name__}, whose encoder is not an ObjectEncoder; scale the "
                    "features before you make the graphs."
                )
            model.encoder.standardize(data.graph_batches("train"))
        return model

    def target_channels(self, hidden_channels: int) -> int:
        """Width of the vector of a target."""
        return hidden_channels

    @abstractmethod
    def targets(self, graph: VideoGraph | Batch, nodes: FloatTensor, query: IntTensor | None) -> Tensor:
        """One vector per target.

        Args:
            graph: The graphs.
            nodes: The boxes after the graph convolutions, ``[N, d]``.
            query: What is asked for, as in :meth:`forward`.
        """

    def forward(self, graph: VideoGraph | Batch, query: IntTensor | None = None) -> Tensor:
        """Logits of every class, ``[P, C]``.

        Args:
            graph: The graphs.
            query: For tracks, the number of each node's target, -1 for none, ``[N]``; for pairs, their nodes ``[2, P]``; not
                read for graphs.
        """
        return self.head(self.dropout(self.targets(graph, self.encoder(graph), query)))

    def probabilities(self, logits: FloatTensor) -> Tensor:
        """Probability of every class: they sum to 1 unless a target may have several, ``[P, C]``."""
        return logits.sigmoid() if self.multi_label else logits.softmax(-1)


def make_pool(name: Pool, channels: int) -> nn.Module:
    """Builds a pool by name."""
    if name == "recurrent":
        return RecurrentPool(channels)
    return FrameAttentionPool(channels) if name == "attention" else FrameMeanPool()


def needed_query(query: Tensor | None, what: str) -> Tensor:
    """The query.

    Raises:
        OptionError: If it is None.
    """
    if query is None:
        raise OptionError(f"'query' must name the {what} that are classified, got None.")
    return query


def in_order(index: Tensor, frame: Tensor) -> Tensor:
    """Order of rows by group and, within a group, by frame."""
    by_frame = frame.argsort(stable=True)
    return by_frame[index[by_frame].argsort(stable=True)]


def count_groups(index: Tensor) -> int:
    """Number of groups that an index numbers from 0."""
    return int(index.max()) + 1 if index.numel() else 0


def video_of_frames(graph: VideoGraph | Batch) -> tuple[Tensor, int]:
    """Video of each frame, and the number of videos."""
    counts = torch.as_tensor(graph.num_frames, device=graph.x.device).reshape(-1)
    return torch.arange(len(counts), device=counts.device).repeat_interleave(counts), len(counts)
