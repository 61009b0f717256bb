"""What recurrent language models know of B videos."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from stgraph.errors import DataError
from stgraph.typing import check_shape

__all__ = ["VideoMemory"]


@dataclass(frozen=True)
class VideoMemory:
    """Encoded streams of B videos, each of which may be absent; what stands in padded places does not matter.

    Shapes: mask ``[B, T]``, True where a frame is real; frames (STAT's global stream) and motion ``[B, T, D]``; regions
        (boxes or the cells of a grid) ``[B, T, S, D]`` with region_mask ``[B, T, S]``; category ``[B, C]``, one vector
        a video.
    Raises: ShapeError: A stream of other axes than its mask. DataError: No stream, or regions without their mask.
    """

    mask: Tensor
    frames: Tensor | None = None
    motion: Tensor | None = None
    regions: Tensor | None = None
    region_mask: Tensor | None = None
    category: Tensor | None = None

    def __post_init__(self) -> None:
        check_shape("mask", self.mask, "B T")
        sizes = {"B": self.mask.size(0), "T": self.mask.size(1)}
        if self.frames is None and self.motion is None and self.regions is None:
            raise DataError("A memory must hold 'frames', 'motion' or 'regions', got none of them.")
        if (self.regions is None) != (self.region_mask is None):
            raise DataError("'regions' and 'region_mask' must be given together, got one of them.")
        for name, stream in (("frames", self.frames), ("motion", self.motion)):
            if stream is not None:
                check_shape(name, stream, "B T D", **sizes)
        if self.regions is not None and self.region_mask is not None:
            check_shape("regions", self.regions, "B T S D", **sizes)
            check_shape("region_mask", self.region_mask, "B T S", S=self.regions.size(2), **sizes)
        if self.category is not None:
            check_shape("category", self.category, "B C", B=sizes["B"])

    @property
    def num_videos(self) -> int:
        """B."""
        return self.mask.size(0)

    def regions_or_frames(self) -> tuple[Tensor, Tensor]:
        """Regions, or each frame as its only region, zeros where nothing is real; and their mask.

        Raises: DataError: Neither regions nor frames.
        """
        if self.regions is not None and self.region_mask is not None:
            real = self.region_mask & self.mask.unsqueeze(2)
            return self.regions.masked_fill(~real.unsqueeze(-1), 0.0), real
        real = self.mask.unsqueeze(2)
        return self.real_frames("frames").unsqueeze(2), real

    def real_frames(self, name: str) -> Tensor:
        """A stream ``[B, T, D]`` by name, zeros where no frame is real.

        Raises: DataError: The videos have no such stream.
        """
        stream = getattr(self, name)
        if stream is None:
            raise DataError(f"This model needs '{name}', but these videos have none; extract them first.")
        return stream.masked_fill(~self.mask.unsqueeze(-1), 0.0)
