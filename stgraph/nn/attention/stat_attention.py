"""The visual attention of STAT: regions within each frame, then the frames of every stream, then a gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from stgraph.checking import axes, checked
from stgraph.errors import OptionError
from stgraph.nn.attention.additive_attention import AdditiveAttention
from stgraph.nn.attention.attention_output import AttentionOutput
from stgraph.nn.attention.region_attention import RegionAttention
from stgraph.nn.layer import Layer
from stgraph.nn.linear import Linear
from stgraph.nn.masking import masked_mean
from stgraph.nn.memory import RowMemory
from stgraph.typing import FloatTensor, MaskTensor, Width

__all__ = ["RegionMemory", "STATAttention", "STATAttentionMemory", "StreamMemory"]

STREAMS = ("global", "motion", "local")


@checked
@dataclass(frozen=True)
class StreamMemory(RowMemory):
    """One stream of B videos with the keys of its attention.

    Shapes: values ``[B, T, D]`` or, where attention mixes them first, regions ``[B, T, S, D]``; keys of the same axes with
        width A; mask ``[B, T]``, True where a frame has values.
    """

    values: FloatTensor
    keys: FloatTensor
    mask: MaskTensor


@checked
@dataclass(frozen=True)
class RegionMemory(RowMemory):
    """Keys ``[B, T, S, A]`` of the attention over regions, and their mask ``[B, T, S]``."""

    keys: FloatTensor
    mask: MaskTensor


@checked
@dataclass(frozen=True)
class STATAttentionMemory(RowMemory):
    """The parts of :class:`STATAttention` that don't depend on the words.

    Args:
        streams: By name, in the order of the attention's streams.
        regions: For the attention over the regions of "local"; None without it.
    """

    streams: Mapping[str, StreamMemory]
    regions: RegionMemory | None = None

    def masks(self) -> dict[str, Tensor]:
        """Masks by the names of the attention weights."""
        found = {name: stream.mask for name, stream in self.streams.items()}
        return found if self.regions is None else {**found, "regions": self.regions.mask}


@checked
class STATAttention(Layer):
    r"""Temporal attention over each stream; frames of the local stream come from attention over their regions.

    .. math:: \mathrm{ctx} = \sigma(w \cdot h + b) \sum_z \sum_i a^z_i z_i, \quad
        a^z = \operatorname{softmax}_i(u_z \cdot \tanh(W_z z_i + b_z + V_z h)), \quad z \in \{g, m, \hat{l}\}

    with :math:`\hat{l}_i` from :class:`RegionAttention`. Each stream has its own parameters. Keys of :math:`\hat{l}_i` are
    the weighted means of its regions' keys, so regions are projected once per video, not once per word. A frame without
    regions is masked in the local stream.

    Args:
        channels: Width D of the streams.
        query_channels: Width H of h.
        hidden_channels: Width A of the common space.
        streams: One or more of "global", "motion" and "local".
        spatial: Whether to attend to the regions of a frame; False takes their mean.

    Shapes: query ``[P, H]``, memory of :meth:`precompute`, of P captions -> :class:`AttentionOutput`, weights "global",
        "motion", "local" ``[P, T]`` and "regions" ``[P, T, S]``.

    Raises:
        OptionError: If a stream is unknown, or there is none.

    Reference: Tu et al., ACM MM 2017, and the authors' released code.
    """

    def __init__(
        self,
        channels: Width,
        query_channels: Width,
        hidden_channels: Width,
        *,
        streams: Sequence[str] = STREAMS,
        spatial: bool = True,
    ) -> None:
        super().__init__()
        if not streams or not set(streams) <= set(STREAMS):
            raise OptionError(f"'streams' must be some of {STREAMS}, got {tuple(streams)}.")
        sizes = (channels, query_channels, hidden_channels)
        self.temporal = nn.ModuleDict(
            {name: AdditiveAttention(*sizes) for name in STREAMS if name in streams}
        )
        self.spatial = RegionAttention(*sizes) if spatial and "local" in streams else None
        self.gate = Linear(query_channels, 1)

    @axes(mask="B T", region_mask="B T S")
    def precompute(
        self, streams: Mapping[str, Tensor], mask: MaskTensor, region_mask: MaskTensor
    ) -> STATAttentionMemory:
        """Computes once per video what doesn't depend on the words.

        Args:
            streams: "global" and "motion" ``[B, T, D]``, "local" ``[B, T, S, D]``, zeros in padded places.
            mask: ``[B, T]``, True where a frame is real.
            region_mask: ``[B, T, S]``, True where a region is real.
        """
        kept: dict[str, StreamMemory] = {}
        regions = None
        for name in self.temporal:
            if name not in streams:
                raise OptionError(f"'streams' must hold {list(self.temporal)}, got {list(streams)}.")
            values, real = streams[name], mask
            if name == "local":
                real = region_mask.any(-1)
                if self.spatial is None:
                    values = masked_mean(values, region_mask, 2)
                else:
                    regions = RegionMemory(self.spatial.precompute(values, region_mask), region_mask)
            keys = cast(AdditiveAttention, self.temporal[name]).keys(values)
            kept[name] = StreamMemory(values, keys, real)
        return STATAttentionMemory(kept, regions)

    @axes(query="P=memory.num_rows H=gate.in_features")
    def forward(self, query: FloatTensor, memory: STATAttentionMemory) -> AttentionOutput:
        """Computes one gated vector per caption."""
        weights: dict[str, Tensor] = {}
        contexts = []
        for name, attention in self.temporal.items():
            stream = memory.streams[name]
            values, keys = stream.values, stream.keys
            if name == "local" and self.spatial is not None and memory.regions is not None:
                values, inside = self.spatial(query, values, memory.regions.mask, memory.regions.keys)
                keys = (inside.unsqueeze(-2) @ keys).squeeze(-2)
                weights["regions"] = inside
            weights[name] = attention(query, keys, stream.mask)
            contexts.append((weights[name].unsqueeze(1) @ values).squeeze(1))
        total = torch.stack(contexts).sum(0)
        return AttentionOutput(self.gate(query).sigmoid() * total, weights)
