"""The spatio-temporal (ST) branch of STaTS: regions first, then frames; and its alternatives of Table 2."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from stgraph.checking import axes, checked
from stgraph.nn.attention.additive_attention import AdditiveAttention
from stgraph.nn.attention.attention_output import AttentionOutput
from stgraph.nn.attention.region_attention import RegionAttention
from stgraph.nn.attention.time_averaged_attention import TimeAveragedAttention
from stgraph.nn.layer import Layer
from stgraph.nn.masking import masked_mean
from stgraph.nn.memory import RowMemory
from stgraph.typing import FloatTensor, MaskTensor, Width

__all__ = [
    "AllRegionsAttention",
    "MeanThenTemporalAttention",
    "SpatioTemporalAttention",
    "SpatioTemporalMemory",
]


@checked
@dataclass(frozen=True)
class SpatioTemporalMemory(RowMemory):
    """The parts of the ST branch that don't depend on the words.

    Args:
        keys: Keys ``[B, ...]`` of the attention.
        frames: Mean region of each frame ``[B, T, D]``, which :class:`MeanThenTemporalAttention` attends to.
    """

    keys: FloatTensor
    frames: FloatTensor | None = None


@checked
class SpatioTemporalAttention(Layer):
    """Spatial attention, then a temporal pool.

    A frame without regions is masked in the pool and in the ranking loss.

    Args:
        spatial: :class:`TimeAveragedAttention` for a grid, :class:`RegionAttention` for boxes.
        pool: A temporal pool, such as :class:`RankedPool`.

    Shapes: query ``[P, H]``, regions ``[P, T, S, D]`` (zeros where ``mask [P, T, S]`` is False), memory of
        :meth:`precompute` -> :class:`AttentionOutput`, weights "st_regions" ``[P, T, S]``.

    Reference: Cherian et al., WACV 2020, section 3.1.
    """

    def __init__(self, spatial: RegionAttention | TimeAveragedAttention, pool: nn.Module) -> None:
        super().__init__()
        self.spatial, self.pool = spatial, pool

    @property
    def in_channels(self) -> int:
        """Width D of the attended vectors."""
        return self.spatial.attention.key.in_features

    @axes(regions="B T S D=in_channels", mask="B T S")
    def precompute(self, regions: FloatTensor, mask: MaskTensor) -> SpatioTemporalMemory:
        """Computes once per video what doesn't depend on the words."""
        return SpatioTemporalMemory(self.spatial.precompute(regions, mask))

    @axes(query="P H", regions="P T S D", mask="P T S")
    def forward(
        self, query: FloatTensor, regions: FloatTensor, mask: MaskTensor, memory: SpatioTemporalMemory
    ) -> AttentionOutput:
        """Computes one vector per caption."""
        frames, weights = self.spatial(query, regions, mask, memory.keys)
        vector, ranking = self.pool(frames, mask.any(-1))
        return AttentionOutput(vector, {"st_regions": weights}, ranking)


@checked
class AllRegionsAttention(Layer):
    """Eq. 1 over all regions of all frames at once, without spatial attention or ranking ("Temp Att" in Table 2).

    Args:
        in_channels: Width D of the attended vectors.
        query_channels: Width H of the query.
        hidden_channels: Width A of the common space.

    Shapes: As :class:`SpatioTemporalAttention`; the weights sum to 1 over T and S together.

    Reference: Cherian et al., WACV 2020, Table 2 (iv).
    """

    def __init__(self, in_channels: Width, query_channels: Width, hidden_channels: Width) -> None:
        super().__init__()
        self.attention = AdditiveAttention(in_channels, query_channels, hidden_channels)

    @property
    def in_channels(self) -> int:
        """Width D of the attended vectors."""
        return self.attention.key.in_features

    @axes(regions="B T S D=in_channels", mask="B T S")
    def precompute(self, regions: FloatTensor, mask: MaskTensor) -> SpatioTemporalMemory:
        """Computes once per video what doesn't depend on the words."""
        return SpatioTemporalMemory(self.attention.keys(regions).flatten(1, 2))

    @axes(query="P H=attention.query_channels", regions="P T S D", mask="P T S")
    def forward(
        self, query: FloatTensor, regions: FloatTensor, mask: MaskTensor, memory: SpatioTemporalMemory
    ) -> AttentionOutput:
        """Computes one vector per caption."""
        weights = self.attention(query, memory.keys, mask.flatten(1))
        vector = (weights.unsqueeze(1) @ regions.flatten(1, 2)).squeeze(1)
        return AttentionOutput(vector, {"st_regions": weights.view(mask.shape)})


@checked
class MeanThenTemporalAttention(Layer):
    """The mean of each frame's regions, then Eq. 1 over the frames ("Mean + Temp Att" in Table 2).

    Args:
        in_channels: Width D of the attended vectors.
        query_channels: Width H of the query.
        hidden_channels: Width A of the common space.

    Shapes: As :class:`SpatioTemporalAttention`, with weights "st_frames" ``[P, T]``.

    Reference: Cherian et al., WACV 2020, Table 2 (v).
    """

    def __init__(self, in_channels: Width, query_channels: Width, hidden_channels: Width) -> None:
        super().__init__()
        self.attention = AdditiveAttention(in_channels, query_channels, hidden_channels)

    @property
    def in_channels(self) -> int:
        """Width D of the attended vectors."""
        return self.attention.key.in_features

    @axes(regions="B T S D=in_channels", mask="B T S")
    def precompute(self, regions: FloatTensor, mask: MaskTensor) -> SpatioTemporalMemory:
        """Computes once per video what doesn't depend on the words."""
        frames = masked_mean(regions, mask, 2)
        return SpatioTemporalMemory(self.attention.keys(frames), frames)

    @axes(query="P H=attention.query_channels", regions="P T S D", mask="P T S")
    def forward(
        self, query: FloatTensor, regions: FloatTensor, mask: MaskTensor, memory: SpatioTemporalMemory
    ) -> AttentionOutput:
        """Computes one vector per caption."""
        weights = self.attention(query, memory.keys, mask.any(-1))
        assert memory.frames is not None, "precompute keeps the frames"
        return AttentionOutput((weights.unsqueeze(1) @ memory.frames).squeeze(1), {"st_frames": weights})
