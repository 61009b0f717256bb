"""STAT: attention over regions inside frames, then over the frames of three streams."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from stgraph.models.recurrent_captioner import RecurrentCaptioner
from stgraph.nn import InputFeatures, STATAttention, STATDecoder, STATEncoder, VideoMemory

__all__ = ["STATCaptioner", "STATCaptionerConfig"]


class STATCaptionerConfig(BaseModel):
    """Arguments of :class:`STATCaptioner`, as a model folder keeps them; defaults are the released code's.

    A stream of width 0 is left out. ``spatial`` false takes the mean of a frame's regions.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    vocab_size: int = Field(ge=5)
    appearance_channels: int = Field(default=0, ge=0)
    motion_channels: int = Field(default=0, ge=0)
    object_channels: int = Field(default=0, ge=0)
    spatial: bool = True
    stream_channels: int = Field(default=1024, ge=1)
    attention_channels: int = Field(default=1024, ge=1)
    word_channels: int = Field(default=512, ge=1)
    hidden_channels: int = Field(default=1024, ge=1)
    dropout: float = Field(default=0.5, ge=0, lt=1)
    input_norm: Literal["layer"] | None = None
    input_dropout: float = Field(default=0.0, ge=0, lt=1)
    max_length: int = Field(default=30, ge=1)


class STATCaptioner(RecurrentCaptioner):
    """Global, motion and local streams under two-stage attention, and an LSTM over words.

    Args:
        settings: Sizes; see :class:`STATCaptionerConfig`. At least one stream must have a width.

    Shapes: a batch of ``VideoGraph`` with appearance ``[sum T, Fa]``, motion ``[sum T, Fm]`` and x ``[N, F]``, of which only
        the streams with a width are looked at; tokens ``[P, L]``, video ``[P]`` -> logits ``[P, L, V]`` by branch.
    Raises: OptionError: No stream. DataError: A stream is missing.
    Reference: Tu et al., ACM MM 2017, and the authors' released code.
    """

    name = "stat"
    config_class = STATCaptionerConfig

    def __init__(self, settings: STATCaptionerConfig) -> None:
        encoder = STATEncoder(
            settings.stream_channels,
            appearance_channels=settings.appearance_channels,
            motion_channels=settings.motion_channels,
            object_channels=settings.object_channels,
            inputs=InputFeatures(settings.input_norm, settings.input_dropout),
        )
        widths = {
            "global": settings.appearance_channels,
            "motion": settings.motion_channels,
            "local": settings.object_channels,
        }
        attention = STATAttention(
            settings.stream_channels,
            settings.hidden_channels,
            settings.attention_channels,
            streams=[name for name, width in widths.items() if width],
            spatial=settings.spatial,
        )
        decoder = STATDecoder(
            settings.vocab_size,
            attention,
            settings.stream_channels,
            word_channels=settings.word_channels,
            hidden_channels=settings.hidden_channels,
            dropout=settings.dropout,
        )
        super().__init__(decoder, settings.max_length)
        self.settings, self.encoder = settings, encoder

    @property
    def widths(self) -> dict[str, int]:
        """Of the global, motion and local streams."""
        settings = self.settings
        widths = (settings.appearance_channels, settings.motion_channels, settings.object_channels)
        return dict(zip(("appearance", "motion", "object"), widths, strict=True))

    def encode(self, graph: Any) -> VideoMemory:
        """The three streams of B videos."""
        return self.encoder(
            self.num_frames(graph),
            appearance=graph.get("appearance"),
            motion=graph.get("motion"),
            x=graph.get("x"),
            frame=graph.get("frame"),
        )
