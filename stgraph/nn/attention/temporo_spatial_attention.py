"""The temporo-spatial (TS) branch of STaTS: frames first, then regions within them."""

from __future__ import annotations

from dataclasses import dataclass

from torch.nn.functional import one_hot

from stgraph.checking import axes, checked
from stgraph.errors import OptionError
from stgraph.nn.attention.additive_attention import AdditiveAttention
from stgraph.nn.attention.attention_output import AttentionOutput
from stgraph.nn.layer import Layer
from stgraph.nn.masking import masked_mean
from stgraph.nn.memory import RowMemory
from stgraph.typing import FloatTensor, MaskTensor, Positive, Width

__all__ = ["TemporoSpatialAttention", "TemporoSpatialMemory"]

SELECT = ("softmax", "argmax")


@checked
@dataclass(frozen=True)
class TemporoSpatialMemory(RowMemory):
    """Keys of the frames ``[B, T, A]`` and of their regions ``[B, T, S, A]``."""

    frame_keys: FloatTensor
    region_keys: FloatTensor


@checked
class TemporoSpatialAttention(Layer):
    r"""Attends to frames by the mean of their regions, and to the regions within each frame.

    .. math:: \hat{x}_{TS} = \sum_t a_t \sum_j e_{tj} x_{tj}, \quad
        a = \operatorname{softmax}_t(\operatorname{att}(h, \bar{x}_t) / \tau), \quad
        e_{tj} = \operatorname{softmax}_j(\operatorname{att}'(h, x_{tj}))

    As :math:`\tau` tends to 0 this becomes Eq. 9-11, where a is 1 for the frame with the highest score. att and att' have
    separate parameters. A frame without regions gets weight 0.

    Args:
        in_channels: Width D of the attended vectors.
        query_channels: Width H of the query.
        hidden_channels: Width A of the common space.
        temperature: :math:`\tau`.
        frame_select: "argmax" takes the one frame with the highest score (the first of equal ones) in evaluation mode;
            training always uses the softmax, which has gradients.

    Shapes: query ``[P, H]``, regions ``[P, T, S, D]`` (zeros where ``mask [P, T, S]`` is False), memory of
        :meth:`precompute` -> :class:`AttentionOutput`, weights "ts_frames" ``[P, T]`` and "ts_regions" ``[P, T, S]``.

    Raises:
        OptionError: If ``frame_select`` is unknown.

    Reference: Cherian et al., WACV 2020, Eq. 9-11.
    """

    def __init__(
        self,
        in_channels: Width,
        query_channels: Width,
        hidden_channels: Width,
        *,
        temperature: Positive = 0.1,
        frame_select: str = "softmax",
    ) -> None:
        super().__init__()
        if frame_select not in SELECT:
            raise OptionError(f"'frame_select' must be one of {SELECT}, got {frame_select!r}.")
        self.frame_select = frame_select
        sizes = (in_channels, query_channels, hidden_channels)
        self.frames = AdditiveAttention(*sizes, temperature=temperature)
        self.regions = AdditiveAttention(*sizes)

    @property
    def in_channels(self) -> int:
        """Width D of the attended vectors."""
        return self.regions.key.in_features

    @axes(regions="B T S D=in_channels", mask="B T S")
    def precompute(self, regions: FloatTensor, mask: MaskTensor) -> TemporoSpatialMemory:
        """Computes once per video what doesn't depend on the words."""
        frame_keys = self.frames.keys(masked_mean(regions, mask, 2))
        return TemporoSpatialMemory(frame_keys, self.regions.keys(regions))

    @axes(query="P H=regions.query_channels", regions="P T S D", mask="P T S")
    def forward(
        self, query: FloatTensor, regions: FloatTensor, mask: MaskTensor, memory: TemporoSpatialMemory
    ) -> AttentionOutput:
        """Computes one vector per caption."""
        frames = self.frames(query, memory.frame_keys, mask.any(-1))
        if self.frame_select == "argmax" and not self.training:
            # The weights are all zeros where there is nothing to choose; they stay so.
            frames = one_hot(frames.argmax(1), frames.size(1)) * frames.gt(0).any(1, keepdim=True).to(frames)
        inside = self.regions(query, memory.region_keys, mask)
        both = (frames.unsqueeze(-1) * inside).flatten(1).unsqueeze(1)
        vector = (both @ regions.flatten(1, 2)).squeeze(1)
        return AttentionOutput(vector, {"ts_frames": frames, "ts_regions": inside})
