"""Encoder of the regions of STaTS."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from stgraph.checking import axes, checked
from stgraph.errors import DataError, OptionError
from stgraph.nn.encoder.input_features import InputFeatures
from stgraph.nn.encoder.stream_embedding import StreamEmbedding
from stgraph.nn.layer import Layer
from stgraph.nn.memory import VideoMemory
from stgraph.nn.padding import pad_frames, pad_regions, total_frames
from stgraph.typing import FloatTensor, IndexTensor, OptionalWidth, Width

__all__ = ["STaTSEncoder"]


@checked
class STaTSEncoder(Layer):
    """Embeds the regions of a video: grid cells, boxes, whole frames.

    Streams of the same regions (an RGB grid and an optical-flow grid) are concatenated region by region, which makes a
    region wider. Regions of different kinds (boxes and cells) are separate regions of a frame and must have one width.

    Args:
        grid_channels: Widths of the grid streams, all of the same cells.
        object_channels: Width of a box's feature; 0 for no boxes.
        frame_channels: Widths of the streams of whole frames; a frame is one more region of itself.
        embedding_channels: Width that each stream is embedded to.
        num_categories: Number of video categories; 0 leaves them out.
        category_channels: Width of a category's embedding.
        inputs: Preprocessing of all streams; None leaves them, as in the paper.

    Shapes: grids ``[M, S, F_k]`` and frames ``[M, F_k]`` (M frames of all videos), x ``[N, F]`` with frame ``[N]`` (sorted,
        numbered through the batch), category ``[B]`` (-1 unknown: zeros), num_frames ``[B]`` ->
        :class:`~stgraph.nn.VideoMemory`.

    Raises:
        OptionError: If there is no stream, their number differs, or kinds of regions differ in width.
        DataError: If a stream with a width is missing.
        ShapeError: If a stream has another width.

    Reference: Cherian et al., WACV 2020, section 4.1; several kinds of regions: our own design.
    """

    def __init__(
        self,
        *,
        grid_channels: Sequence[int] = (),
        object_channels: OptionalWidth = 0,
        frame_channels: Sequence[int] = (),
        embedding_channels: Width = 512,
        num_categories: OptionalWidth = 0,
        category_channels: OptionalWidth = 0,
        inputs: InputFeatures | None = None,
    ) -> None:
        super().__init__()
        self.inputs = InputFeatures() if inputs is None else inputs
        kinds = {
            "grids": grid_channels,
            "x": (object_channels,) if object_channels else (),
            "frames": frame_channels,
        }
        self.places = nn.ModuleDict(
            {name: StreamEmbedding(widths, embedding_channels) for name, widths in kinds.items() if widths}
        )
        wide = {name: embedding_channels * len(widths) for name, widths in kinds.items() if widths}
        if len(set(wide.values())) != 1:
            raise OptionError(f"One or more kinds of regions must have the same width, got {wide}.")
        self.out_channels = next(iter(wide.values()))
        self.category = nn.Embedding(num_categories, category_channels) if num_categories else None

    @axes(num_frames="B", x="N F", frame="N", category="B")
    def forward(
        self,
        num_frames: IndexTensor,
        *,
        grids: Sequence[Tensor] = (),
        x: FloatTensor | None = None,
        frame: IndexTensor | None = None,
        frames: Sequence[Tensor] = (),
        category: IndexTensor | None = None,
    ) -> VideoMemory:
        """Embeds and pads; kinds of regions without a width are ignored."""
        everything = pad_frames(num_frames.new_ones(total_frames(num_frames), 1), num_frames)
        blocks, masks, mask = [], [], everything[1]
        given = {"grids": tuple(grids), "x": () if x is None else (x,), "frames": tuple(frames)}
        for name, embedding in self.places.items():
            if not given[name]:
                raise DataError(f"This model needs '{name}', but these videos have none; extract them first.")
            rows = embedding([self.inputs(stream) for stream in given[name]])
            if name == "x":
                if frame is None:
                    raise DataError("'frame' must be given with 'x', got None; pass graph.frame.")
                block, real = pad_regions(rows, frame, num_frames)
            else:
                rows = rows if name == "grids" else rows.unsqueeze(1)
                block = pad_frames(rows.flatten(1), num_frames)[0].unflatten(2, rows.shape[1:])
                real = mask.unsqueeze(2).expand(block.shape[:3])
            blocks.append(block)
            masks.append(real)
        return VideoMemory(
            mask,
            regions=torch.cat(blocks, 2),
            region_mask=torch.cat(masks, 2),
            category=self._category(category),
        )

    def _category(self, number: Tensor | None) -> Tensor | None:
        if self.category is None:
            return None
        if number is None:
            raise DataError(
                "This model needs 'category', but these videos have none; give them or train without."
            )
        known = number >= 0
        return self.category(number.clamp(min=0)) * known.unsqueeze(1)
