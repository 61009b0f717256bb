"""STaTS: spatio-temporal (ranked) and temporo-spatial attention, joined word by word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from stgraph.errors import DataError, OptionError
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

__all__ = ["STaTSCaptioner", "STaTSCaptionerConfig"]

# Table 2's rows after spatial attention, by name; each takes a width and the ranking margin.
POOLS: dict[str, Callable[[int, float], nn.Module]] = {
    "mean": lambda channels, margin: MeanPool(),
    "lstm": lambda channels, margin: LSTMPool(channels),
    "mean_lstm": lambda channels, margin: WithMean(channels, LSTMPool(channels)),
    "ranked": RankedPool,
    "mean_ranked": lambda channels, margin: WithMean(channels, RankedPool(channels, margin)),
}
# And those without.
WITHOUT_SPATIAL = {"attention": AllRegionsAttention, "mean_attention": MeanThenTemporalAttention}


class STaTSCaptionerConfig(BaseModel):
    """Arguments of :class:`STaTSCaptioner`, as a model folder keeps them; defaults are the paper's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vocab_size: int = Field(ge=5)
    appearance_channels: int = Field(default=0, ge=0)
    motion_channels: int = Field(default=0, ge=0)
    object_channels: int = Field(default=0, ge=0)
    grid_channels: dict[str, int] = {}
    num_categories: int = Field(default=0, ge=0)
    category_channels: int = Field(default=256, ge=1)
    attention: Literal["stats", "st", "ts"] = "stats"
    temporal: Literal["mean", "lstm", "mean_lstm", "attention", "mean_attention", "ranked", "mean_ranked"] = (
        "mean_ranked"
    )
    ranking_margin: float = Field(default=1.0, gt=0)
    frame_temperature: float = Field(default=0.1, gt=0)
    frame_select: Literal["softmax", "argmax"] = "softmax"
    embedding_channels: int = Field(default=512, ge=1)
    attention_channels: int = Field(default=128, ge=1)
    word_channels: int = Field(default=256, ge=1)
    hidden_channels: int = Field(default=512, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    input_norm: Literal["layer"] | None = None
    input_dropout: float = Field(default=0.0, ge=0, lt=1)
    max_length: int = Field(default=20, ge=1)


class STaTSCaptioner(RecurrentCaptioner):
    """Regions under both orders of attention, and an LSTM with self-attention over words.

    Spatial attention of the ST branch is averaged over time where all places are cells of grids (or whole frames), and
    inside each frame where there are boxes.

    Args:
        settings: Sizes and rows of the paper's tables; see :class:`STaTSCaptionerConfig`. Streams of width 0 are left
            out; ``grid_channels`` names the grids as a batch holds them, such as "grid/i3d".

    Shapes: a batch of ``VideoGraph`` with appearance ``[sum T, Fa]``, motion ``[sum T, Fm]``, x ``[N, F]``, each grid by its
        name ``[sum T, S, F]`` and category ``[B]``, of which only those with a width are looked at; tokens ``[P, L]``, video
        ``[P]`` -> logits ``[P, L, V]`` by branch.
    Raises: OptionError: No stream, or kinds of places of different widths. DataError: A stream is missing.
    Reference: Cherian et al., WACV 2020.
    """

    name = "stats"
    config_class = STaTSCaptionerConfig

    def __init__(self, settings: STaTSCaptionerConfig) -> None:
        frames = [width for width in (settings.appearance_channels, settings.motion_channels) if width]
        encoder = STaTSEncoder(
            grid_channels=list(settings.grid_channels.values()),
            object_channels=settings.object_channels,
            frame_channels=frames,
            embedding_channels=settings.embedding_channels,
            num_categories=settings.num_categories,
            category_channels=settings.category_channels,
            inputs=InputFeatures(settings.input_norm, settings.input_dropout),
        )
        decoder = STaTSDecoder(
            settings.vocab_size,
            _attention(settings, encoder.out_channels),
            encoder.out_channels,
            word_channels=settings.word_channels,
            hidden_channels=settings.hidden_channels,
            category_channels=settings.category_channels if settings.num_categories else 0,
            dropout=settings.dropout,
        )
        super().__init__(decoder, settings.max_length)
        self.settings, self.encoder = settings, encoder

    @property
    def widths(self) -> dict[str, int]:
        """Of whole frames, boxes and grids."""
        settings = self.settings
        widths = (settings.appearance_channels, settings.motion_channels, settings.object_channels)
        return {
            **dict(zip(("appearance", "motion", "object"), widths, strict=True)),
            **settings.grid_channels,
        }

    def encode(self, graph: Any) -> VideoMemory:
        """The places of B videos."""
        streams = {"appearance": self.settings.appearance_channels, "motion": self.settings.motion_channels}
        return self.encoder(
            self.num_frames(graph),
            grids=[_stream(graph, name) for name in self.settings.grid_channels],
            x=graph.get("x"),
            frame=graph.get("frame"),
            frames=[_stream(graph, name) for name, width in streams.items() if width],
            category=graph.get("category"),
        )


def _attention(settings: STaTSCaptionerConfig, channels: int) -> STaTSAttention:
    sizes = (channels, settings.hidden_channels + settings.word_channels, settings.attention_channels)
    st: Any = None
    ts = combination = None
    if settings.attention in ("stats", "st"):
        if settings.temporal in POOLS:
            spatial = RegionAttention(*sizes) if settings.object_channels else TimeAveragedAttention(*sizes)
            st = SpatioTemporalAttention(spatial, POOLS[settings.temporal](channels, settings.ranking_margin))
        else:
            st = WITHOUT_SPATIAL[settings.temporal](*sizes)
    elif settings.temporal != "mean_ranked":
        raise OptionError(
            f"'temporal' must stay 'mean_ranked' without the ST branch that pools, got {settings.temporal!r}."
        )
    if settings.attention in ("stats", "ts"):
        ts = TemporoSpatialAttention(
            *sizes, temperature=settings.frame_temperature, frame_select=settings.frame_select
        )
    if settings.attention == "stats":
        combination = BranchCombination(*sizes)
    return STaTSAttention(st, ts, combination)


def _stream(graph: Any, name: str) -> Any:
    stream = graph.get(name)
    if stream is None:
        raise DataError(
            f"This model needs '{name}' features, but these videos have none; extract them first."
        )
    return stream
