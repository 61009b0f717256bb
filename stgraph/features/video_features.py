"""The features of one video, as a feature store keeps them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.errors import DataError
from stgraph.features.detections import Detections, all_finite
from stgraph.typing import RealTensor, check_shape
from stgraph.video.sampling import SAMPLING

__all__ = ["GridFeatures", "Sampling", "VideoFeatures"]

Sampling = Literal["spread", "chunks"]
"""Rules by which frames are taken from those of a store."""


@checked
@dataclass(frozen=True, eq=False)
class GridFeatures:
    """Features of S regions in each of M frames or clips, such as the 49 cells of a 7 x 7 grid.

    Args:
        values: The features.
        start: Frame number in the file of each frame, or of each clip's first frame.

    Shapes: values ``[M, S, D]``, start ``[M]``.

    Raises:
        ShapeError: If the axes or lengths differ.
    """

    values: Tensor
    start: Tensor

    def __post_init__(self) -> None:
        check_shape("values", self.values, "M S D")
        check_shape("start", self.start, "M", M=len(self.values))


@checked
@dataclass(frozen=True, eq=False)
class VideoFeatures:
    """The feature streams of one video: of its sampled frames, of their objects, of its clips, and grids.

    Args:
        id: Id of the video, unique in a store.
        size: Height and width in pixels.
        frame_index: Frame number in the file of each sampled frame, increasing.
        frame_time: Time of each sampled frame in seconds; NaN if unknown.
        fps: Frames per second of the file; NaN if unknown.
        file_frames: Number of frames in the file; 0 if unknown.
        appearance: One vector per sampled frame, or None.
        motion: One vector per clip of consecutive frames, or None.
        clip_start: Frame number in the file of each clip's first frame; required with ``motion``.
        detections: Objects of the sampled frames, or None.
        grids: Grids by name.

    Shapes: frame_index, frame_time ``[T]``, appearance ``[T, Da]``, motion ``[C, Dm]``, clip_start ``[C]``.

    Raises:
        ShapeError: If the axes or lengths of streams differ.
        DataError: If values contradict each other, or are NaN or infinite.
    """

    id: str
    size: tuple[int, int]
    frame_index: RealTensor
    frame_time: RealTensor
    fps: float = float("nan")
    file_frames: int = 0
    appearance: Tensor | None = None
    motion: Tensor | None = None
    clip_start: Tensor | None = None
    detections: Detections | None = None
    grids: dict[str, GridFeatures] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_shape("frame_index", self.frame_index, "T")
        check_shape("frame_time", self.frame_time, "T", T=self.num_frames)
        if self.num_frames < 1:
            raise DataError(f"Video '{self.id}' has no sampled frames; a stored video has at least one.")
        if bool((self.frame_index[1:] <= self.frame_index[:-1]).any()):
            raise DataError(
                f"Video '{self.id}': 'frame_index' must increase, got {self.frame_index[:10].tolist()}."
            )
        if not (math.isnan(self.fps) or 0 < self.fps < math.inf):
            raise DataError(
                f"Video '{self.id}': 'fps' must be positive, or NaN if unknown, got {self.fps}; correct it."
            )
        if self.appearance is not None:
            check_shape("appearance", self.appearance, "T Da", T=self.num_frames)
        if (self.motion is None) != (self.clip_start is None):
            raise DataError(
                f"Video '{self.id}': 'motion' and 'clip_start' go together, got only one of them; give both or neither."
            )
        if self.motion is not None and self.clip_start is not None:
            check_shape("motion", self.motion, "C Dm")
            check_shape("clip_start", self.clip_start, "C", C=self.motion.shape[0])
        if self.detections is not None and self.detections.num_frames != self.num_frames:
            raise DataError(
                f"Video '{self.id}': detections are of {self.detections.num_frames} frames, the video of "
                f"{self.num_frames}; sample both from the same frames."
            )
        for name in ("appearance", "motion"):
            stream = getattr(self, name)
            if stream is not None and not all_finite(stream):
                row = int((~torch.isfinite(stream)).nonzero()[0, 0])
                raise DataError(
                    f"Video '{self.id}': '{name}' must be finite, got NaN or infinity in row {row}."
                )

    @property
    def num_frames(self) -> int:
        """T, the number of sampled frames."""
        return self.frame_index.shape[0]

    def sample(self, num_frames: int | None, sampling: Sampling = "spread") -> VideoFeatures:
        """Keeps some of the stored frames; clips and grids stay.

        Args:
            num_frames: T, the number of frames; None, or a shorter video, keeps all.
            sampling: "spread" keeps the middle frame of each of T equal parts, "chunks" the first of each of T chunks;
                see :func:`~stgraph.video.spread_frames` and :func:`~stgraph.video.chunk_frames`.
        """
        total = self.num_frames
        if num_frames is None or total <= num_frames:
            return self
        keep = torch.from_numpy(SAMPLING[sampling](total, num_frames))

        def pick(stream: Tensor | None) -> Tensor | None:
            return None if stream is None else stream[keep]

        return replace(
            self,
            frame_index=self.frame_index[keep],
            frame_time=self.frame_time[keep],
            appearance=pick(self.appearance),
            detections=None if self.detections is None else _keep_frames(self.detections, keep),
        )

    def motion_of_frames(self, sampling: Sampling = "spread") -> Tensor | None:
        """Motion vector of each sampled frame, ``[T, Dm]``; None without clips.

        Args:
            sampling: "spread" takes the last clip that starts at or before the frame. "chunks" takes the clips by their own
                numbers, as the released code of STAT does: the first of each of T chunks of clips. A video with fewer clips
                than frames repeats each clip evenly, where that code appends zeros.
        """
        if self.motion is None or self.clip_start is None:
            return None
        if sampling == "spread":
            return self.motion[self._covering(self.clip_start)]
        clips = len(self.motion)
        if clips >= self.num_frames:
            return self.motion[torch.from_numpy(SAMPLING[sampling](clips, self.num_frames))]
        return self.motion[torch.arange(self.num_frames) * clips // self.num_frames]

    def grid_of_frames(self, name: str) -> Tensor | None:
        """Grid features of each sampled frame, ``[T, S, D]``; None if the video has no such grid."""
        grid = self.grids.get(name)
        return None if grid is None else grid.values[self._covering(grid.start)]

    def _covering(self, start: Tensor) -> Tensor:
        """For each sampled frame, the last row that starts at or before it, or the first row if none does."""
        return (torch.searchsorted(start, self.frame_index, right=True) - 1).clamp(min=0)


def _keep_frames(detections: Detections, keep: Tensor) -> Detections:
    new_position = torch.full((detections.num_frames,), -1)
    new_position[keep] = torch.arange(len(keep))
    boxes = (new_position[detections.frame] >= 0).nonzero()[:, 0]

    def pick(stream: Tensor | None) -> Tensor | None:
        return None if stream is None else stream[keep]

    return replace(
        detections.select(boxes),
        frame=new_position[detections.frame[boxes]],
        num_frames=len(keep),
        frame_index=pick(detections.frame_index),
        time=pick(detections.time),
    )
