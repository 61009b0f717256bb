"""Embedding of features of several extractors as one vector per frame, cell or box."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from stgraph.checking import checked
from stgraph.errors import OptionError
from stgraph.nn.layer import Layer
from stgraph.nn.linear import Linear
from stgraph.typing import FloatTensor, Width, check_shape

__all__ = ["StreamEmbedding"]


@checked
class StreamEmbedding(Layer):
    r"""Embeds streams that describe the same regions, each with its own weights, and concatenates them.

    .. math:: x_{tj} = [W_1 s^1_{tj} + b_1 ; \dots ; W_K s^K_{tj} + b_K]

    Args:
        in_channels: Widths of the K streams, such as the RGB grid's and the optical flow's.
        embedding_channels: Width of each stream's embedding; K of them make ``out_channels``.

    Shapes: K streams ``[..., F_k]`` with the same leading axes -> ``[..., K * embedding_channels]``.

    Raises:
        OptionError: If there is no stream, or another number of them.
        ShapeError: If a stream has another width or other leading axes.

    Reference: Cherian et al., WACV 2020, section 4.1; concatenation: our own design.
    """

    def __init__(self, in_channels: Sequence[Width], embedding_channels: Width = 512) -> None:
        super().__init__()
        if not len(in_channels):
            raise OptionError(
                f"'in_channels' must be widths of at least one stream, got {list(in_channels)}."
            )
        self.parts = nn.ModuleList(Linear(width, embedding_channels) for width in in_channels)
        self.out_channels = embedding_channels * len(self.parts)

    def forward(self, streams: Sequence[FloatTensor]) -> Tensor:
        """Embeds and concatenates."""
        if len(streams) != len(self.parts):
            raise OptionError(f"'streams' must be {len(self.parts)} for this model, got {len(streams)}.")
        places = streams[0].shape[:-1]
        for number, (stream, part) in enumerate(zip(streams, self.parts, strict=True)):
            wanted = (*places, part.in_features)
            if tuple(stream.shape) != wanted:
                check_shape(f"streams[{number}]", stream, " ".join(str(size) for size in wanted))
        return torch.cat([part(stream) for part, stream in zip(self.parts, streams, strict=True)], dim=-1)
