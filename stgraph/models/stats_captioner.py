"""STaTS: spatio-temporal (ranked) and temporo-spatial attention, joined word by word."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from stgraph.checking import checked
from stgraph.errors import OptionError
from stgraph.models.arguments import OptionalWidth, Probability, VocabSize, Width
from stgraph.models.attention_shares import AttentionShares, at_nodes, even_regions
from stgraph.models.captioning_model import num_frames_of, stream_of
from stgraph.models.recurrent_captioner import RecurrentCaptioner
from stgraph.nn import (
    AllRegionsAttention,
    BranchCombination,
    InputFeatures,
    LSTMPool,
    MeanPool,
    MeanThenTemporalAttention,
    RankedPool,
    RegionAttention,
    SpatioTemporalAttention,
    STaTSAttention,
    STaTSDecoder,
    STaTSEncoder,
    TemporoSpatialAttention,
    TimeAveragedAttention,
    VideoMemory,
    WithMean,
)

if TYPE_CHECKING:
    from torch_geometric.data import Batch

    from stgraph.decoding import DecodedCaptions
    from stgraph.graph import VideoGraph

__all__ = ["STaTSCaptioner"]

Temporal = Literal["mean", "lstm", "mean_lstm", "attention", "mean_attention", "ranked", "mean_ranked"]
Positive = Annotated[float, Field(gt=0)]

# The rows of Table 2 that come after spatial attention, by name; each takes a width, the ranking margin
# and whether ranking leaves the frames as they are.
POOLS: dict[str, Callable[[int, float, bool], nn.Module]] = {
    "mean": lambda channels, margin, detach: MeanPool(),
    "lstm": lambda channels, margin, detach: LSTMPool(channels),
    "mean_lstm": lambda channels, margin, detach: WithMean(channels, LSTMPool(channels)),
    "ranked": lambda channels, margin, detach: RankedPool(channels, margin, detach=detach),
    "mean_ranked": lambda channels, margin, detach: WithMean(
        channels, RankedPool(channels, margin, detach=detach)
    ),
}
# The rows without spatial attention.
WITHOUT_SPATIAL: dict[str, type[AllRegionsAttention | MeanThenTemporalAttention]] = {
    "attention": AllRegionsAttention,
    "mean_attention": MeanThenTemporalAttention,
}


@checked
class STaTSCaptioner(RecurrentCaptioner):
    r"""STaTS: spatio-temporal and temporo-spatial attention over regions, and an LSTM with self-attention over words.

    Spatial attention of the ST branch is averaged over time if all regions are cells of grids (or whole frames), and
    taken inside each frame if there are boxes.

    Args:
        vocab_size: Number of words, special tokens included.
        appearance_channels: Width of the frame features; 0 leaves the stream out.
        motion_channels: Width of the clip features; 0 leaves the stream out.
        object_channels: Width of the object features; 0 leaves the stream out.
        grid_channels: Widths of the grids by the name under which a batch holds them, such as "grid/i3d".
        num_categories: Number of video categories that are an input; 0 leaves them out.
        category_channels: Width of a category's embedding.
        attention: "stats" (both branches), or "st" or "ts" alone (Table 1).
        temporal: Temporal pooling of the ST branch (Table 2).
        ranking_margin: Margin :math:`\beta` of the ranking loss (Eq. 6).
        ranking_detach: Whether the ranking loss trains the LSTM that ranks alone, not the spatial attention (not in the
            paper).
        frame_temperature: Temperature of the TS branch's softmax over frames.
        frame_select: "softmax", or "argmax" to take one frame in evaluation mode.
        embedding_channels: Width to which each stream is embedded.
        attention_channels: Width of the space in which features and language state meet.
        word_channels: Width of the word embedding.
        hidden_channels: Width of the LSTM.
        dropout: Dropout probability in front of the word scores.
        input_norm: "layer" normalises each feature vector (not in the paper); None leaves features as they are.
        input_dropout: Dropout probability of the input features (not in the paper).
        max_length: Largest number of words of a generated caption.

    Shapes: A batch of ``VideoGraph`` with appearance ``[sum T, Fa]``, motion ``[sum T, Fm]``, x ``[N, F]``, each grid by
        its name ``[sum T, S, F]`` and category ``[B]``, of which only those with a width are read; tokens ``[P, L]``,
        video ``[P]`` -> logits ``[P, L, V]`` by branch.

    Raises:
        OptionError: If there is no stream, or kinds of regions differ in width.
        DataError: If a stream is missing.

    Reference: Cherian et al., WACV 2020; the defaults are the paper's.
    """

    name = "stats"
    loss_name = "stats"
    default_streams = ("object",)

    def __init__(
        self,
        vocab_size: VocabSize,
        *,
        appearance_channels: OptionalWidth = 0,
        motion_channels: OptionalWidth = 0,
        object_channels: OptionalWidth = 0,
        grid_channels: dict[str, int] | None = None,
        num_categories: OptionalWidth = 0,
        category_channels: Width = 256,
        attention: Literal["stats", "st", "ts"] = "stats",
        temporal: Temporal = "mean_ranked",
        ranking_margin: Positive = 1.0,
        ranking_detach: bool = True,
        frame_temperature: Positive = 0.1,
        frame_select: Literal["softmax", "argmax"] = "softmax",
        embedding_channels: Width = 512,
        attention_channels: Width = 128,
        word_channels: Width = 256,
        hidden_channels: Width = 512,
        dropout: Probability = 0.0,
        input_norm: Literal["layer"] | None = None,
        input_dropout: Probability = 0.0,
        max_length: Width = 20,
    ) -> None:
        self._grids = tuple(grid_channels or {})
        frames = {"appearance": appearance_channels, "motion": motion_channels}
        self._frames = tuple(stream for stream, width in frames.items() if width)
        encoder = STaTSEncoder(
            grid_channels=list((grid_channels or {}).values()),
            object_channels=object_channels,
            frame_channels=[frames[stream] for stream in self._frames],
            embedding_channels=embedding_channels,
            num_categories=num_categories,
            category_channels=category_channels,
            inputs=InputFeatures(input_norm, input_dropout),
        )
        sizes = (encoder.out_channels, hidden_channels + word_channels, attention_channels)
        if attention == "ts" and temporal != "mean_ranked":
            raise OptionError(
                f"'temporal' must stay 'mean_ranked' without the ST branch, which pools over time, got {temporal!r}."
            )
        st: SpatioTemporalAttention | AllRegionsAttention | MeanThenTemporalAttention | None = None
        if attention != "ts" and temporal in POOLS:
            spatial = RegionAttention(*sizes) if object_channels else TimeAveragedAttention(*sizes)
            st = SpatioTemporalAttention(
                spatial, POOLS[temporal](encoder.out_channels, ranking_margin, ranking_detach)
            )
        elif attention != "ts":
            st = WITHOUT_SPATIAL[temporal](*sizes)
        ts = None
        if attention != "st":
            ts = TemporoSpatialAttention(*sizes, temperature=frame_temperature, frame_select=frame_select)
        combination = BranchCombination(*sizes) if attention == "stats" else None
        decoder = STaTSDecoder(
            vocab_size,
            STaTSAttention(st, ts, combination),
            encoder.out_channels,
            word_channels=word_channels,
            hidden_channels=hidden_channels,
            category_channels=category_channels if num_categories else 0,
            dropout=dropout,
        )
        super().__init__(decoder, max_length)
        self.encoder = encoder

    def encode(self, graph: VideoGraph | Batch, branch: str | None = None) -> VideoMemory:
        """The regions of B videos."""
        return self.encoder(
            num_frames_of(graph),
            grids=[stream_of(graph, name) for name in self._grids],
            x=graph.get("x"),
            frame=graph.get("frame"),
            frames=[stream_of(graph, name) for name in self._frames],
            category=graph.get("category"),
        )

    def attention_shares(
        self, found: DecodedCaptions, graph: VideoGraph | Batch, branch: str
    ) -> AttentionShares:
        """Shares of the regions in the TS and the ST branch, joined by the weights of the branches.

        ST pools frames over time without weights of its own, so each frame with regions has the same part of it.
        """
        weights = {name: value[0] for name, value in found.attention.items()}
        parts = []
        if "st_regions" in weights:
            inside = weights["st_regions"]
            parts.append(inside / inside.sum((1, 2), keepdim=True).clamp(min=1e-12))
        elif "st_frames" in weights:
            mask = self.encode(graph).regions_or_frames()[1][0]
            parts.append(weights["st_frames"][..., None] * even_regions(mask))
        if "ts_frames" in weights:
            parts.append(weights["ts_frames"][..., None] * weights["ts_regions"])
        if "branches" in weights:
            parts = [part * weights["branches"][:, [row], None] for row, part in enumerate(parts)]
        regions = torch.stack(parts).sum(0)
        # The regions of a frame are its cells, its boxes and the frame itself, of which there may be any.
        cells = graph[self._grids[0]].size(1) if self._grids else 0
        return AttentionShares(
            regions.sum(-1),
            at_nodes(regions[..., cells:], graph.frame) if "x" in self.encoder.places else None,
            regions[..., :cells] if cells else None,
        )
