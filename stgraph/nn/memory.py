"""Memory of encoded videos, which language models attend to."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self

from torch import Tensor

from stgraph.checking import axes, checked, described
from stgraph.errors import DataError, OptionError
from stgraph.typing import FloatTensor, IndexTensor, MaskTensor, check_shape

__all__ = ["RowMemory", "VideoMemory"]


STREAMS = ("frames", "motion", "regions")


@checked
@dataclass(frozen=True)
class RowMemory:
    """Base of dataclasses whose tensors have one row per video or caption.

    Fields are tensors, further row memories, dictionaries of either, or None.
    """

    @property
    def num_rows(self) -> int | None:
        """Number of rows; None if no field has any."""
        lengths = (_length(getattr(self, each.name)) for each in fields(self))
        return next((length for length in lengths if length is not None), None)

    @axes(index="P <num_rows")
    def select(self, index: IndexTensor) -> Self:
        """Keeps or repeats rows by position ``[P']``, in every field."""
        return replace(
            self, **{field.name: _rows(getattr(self, field.name), index) for field in fields(self)}
        )


def _length(value: Any) -> int | None:
    if isinstance(value, Tensor):
        return len(value) if value.dim() else None
    if isinstance(value, RowMemory):
        return value.num_rows
    return next((len(each) for each in (value or {}).values() if isinstance(each, Tensor)), None)


def _rows(value: Any, index: Tensor) -> Any:
    if isinstance(value, Tensor):
        return value[index]
    if isinstance(value, RowMemory):
        return value.select(index)
    return value and {name: _rows(each, index) for name, each in value.items()}


@checked
@dataclass(frozen=True)
class VideoMemory:
    """Encoded streams of B videos; any of them may be absent, and values in padded places are ignored.

    Shapes: mask ``[B, T]``, True where a frame is real; frames (STAT's global stream) and motion ``[B, T, D]``; regions
        (boxes or the cells of a grid) ``[B, T, S, D]`` with region_mask ``[B, T, S]``; category ``[B, C]``, one vector
        a video.

    Raises:
        ShapeError: If the axes of a stream differ from those of its mask.
        DataError: If there is no stream, or regions come without their mask.
    """

    mask: MaskTensor
    frames: FloatTensor | None = None
    motion: FloatTensor | None = None
    regions: FloatTensor | None = None
    region_mask: MaskTensor | None = None
    category: FloatTensor | None = None

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
        """Number of videos B."""
        return self.mask.size(0)

    def regions_or_frames(self) -> tuple[Tensor, Tensor]:
        """Regions with zeros in padded places, and their mask; without regions, each frame is its only region.

        Raises:
            DataError: If there are neither regions nor frames.
        """
        if self.regions is not None and self.region_mask is not None:
            real = self.region_mask & self.mask.unsqueeze(2)
            return self.regions.masked_fill(~real.unsqueeze(-1), 0.0), real
        real = self.mask.unsqueeze(2)
        return self.real_frames("frames").unsqueeze(2), real

    def real_frames(self, name: str) -> Tensor:
        """A stream ``[B, T, D]`` by name, with zeros in padded frames.

        Raises:
            OptionError: If there is no stream of that name.
            DataError: If the videos have no such stream.
        """
        if name not in STREAMS:
            raise OptionError(f"'name' must be one of {STREAMS}, got {described(name)}.")
        stream = getattr(self, name)
        if stream is None:
            raise DataError(f"This model needs '{name}', but these videos have none; extract them first.")
        return stream.masked_fill(~self.mask.unsqueeze(-1), 0.0)
