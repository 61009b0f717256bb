"""A captioning model over tracked boxes: any encoder of boxes, a pool over those of a frame, and a Transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stgraph.models import CaptioningModel
from stgraph.models.captioning_model import num_frames_of
from stgraph.models.classifier import Pool, make_pool
from stgraph.models.object_encoder import ObjectEncoder
from stgraph.nn import CaptionTransformer, FrameMemory, pad_frames

if TYPE_CHECKING:
    from torch_geometric.data import Batch

    from stgraph.graph import VideoGraph


class BoxCaptioner(CaptioningModel):
    """One vector per box, one per frame, then words.

    Args:
        vocab_size: Number of words, special tokens included.
        object_channels: Width of the boxes' features.
        num_labels: Number of classes of things.
        hidden_channels: Width of boxes, frames and words.
        num_layers: Number of graph convolutions.
        conv: As in ``ObjectEncoder``.
        edge_attributes: As in ``ObjectEncoder``.
        edge_channels: As in ``ObjectEncoder``.
        both_directions: As in ``ObjectEncoder``.
        pool: How the boxes of a frame become one vector.
        num_heads: Attention heads.
        word_layers: Transformer layers over frames, and over words.
        dropout: Dropout probability.
        max_length: Largest number of words of a generated caption.

    Shapes: As :class:`~stgraph.models.CaptioningModel`.
    """

    name = "boxes"

    def __init__(
        self,
        vocab_size: int,
        *,
        object_channels: int,
        num_labels: int = 0,
        hidden_channels: int = 64,
        num_layers: int = 2,
        conv: str = "ResidualGCNConv",
        edge_attributes: tuple[str, ...] = (),
        edge_channels: int = 0,
        both_directions: bool = False,
        pool: Pool = "mean",
        num_heads: int = 4,
        word_layers: int = 1,
        dropout: float = 0.2,
        max_length: int = 20,
    ) -> None:
        super().__init__()
        self.max_length = max_length
        self.encoder: Any = ObjectEncoder(
            object_channels,
            hidden_channels,
            num_layers,
            conv=conv,
            edge_attributes=edge_attributes,
            edge_channels=edge_channels,
            both_directions=both_directions,
            num_labels=num_labels,
        )
        self.pool = make_pool(pool, hidden_channels)
        self.decoder = CaptionTransformer(
            vocab_size,
            hidden_channels,
            num_heads=num_heads,
            num_layers=word_layers,
            feedforward_channels=2 * hidden_channels,
            dropout=dropout,
        )

    def encode(self, graph: VideoGraph | Batch, branch: str | None = None) -> FrameMemory:
        """The frames that words attend to."""
        counts = num_frames_of(graph)
        frames = self.pool(self.encoder(graph), graph.frame, int(counts.sum()))
        return self.decoder.encode(*pad_frames(frames, counts))
