"""Puts the outputs of several extractors together into the features of one video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from stgraph.errors import DataError
from stgraph.extraction.extractors.protocol import Extractor, FrameObjects, ItemFeatures
from stgraph.extraction.item_reader import VideoInfo
from stgraph.features.detections import Detections
from stgraph.features.streams import GRID
from stgraph.features.video_features import GridFeatures, VideoFeatures

__all__ = ["FeatureCollector"]


@dataclass
class FeatureCollector:
    """Collects the item features of one video until every extractor has delivered all of its items.

    Args:
        info: The video.
        extractors: Extractors whose results are collected.
    """

    info: VideoInfo
    extractors: Sequence[Extractor]
    _received: dict[int, dict[int, ItemFeatures]] = field(default_factory=dict)

    def add(self, extractor: int, first: int, features: Sequence[ItemFeatures]) -> None:
        """Adds the features of items ``first``, ``first + 1``, ... of extractor number ``extractor``."""
        received = self._received.setdefault(extractor, {})
        received.update({first + k: item for k, item in enumerate(features)})

    @property
    def is_complete(self) -> bool:
        """Whether the features of all items have been added."""
        return all(len(self._received.get(k, ())) == self._num_items(k) for k in range(len(self.extractors)))

    def to_video_features(self) -> VideoFeatures:
        """Builds the features of the video from the collected items.

        Raises:
            DataError: If an extractor returned values that cannot be used, such as NaN or a wrong type.
            ShapeError: If the widths of an extractor's features differ.
        """
        info = self.info
        appearance = motion = detections = None
        grids: dict[str, GridFeatures] = {}
        for k, extractor in enumerate(self.extractors):
            items = [self._received[k][position] for position in range(self._num_items(k))]
            starts = info.frame_index if extractor.frames_per_item == 1 else info.clip_start
            for stream in extractor.streams:
                values = [item[stream] for item in items]
                if stream == "object":
                    detections = self._detections(values)
                elif stream == "appearance":
                    appearance = _stack(stream, values)
                elif stream == "motion":
                    motion = _stack(stream, values)
                else:
                    grids[stream.removeprefix(GRID)] = GridFeatures(_stack(stream, values), starts)
        return VideoFeatures(
            id=info.id,
            size=info.size,
            frame_index=info.frame_index,
            frame_time=info.frame_time,
            fps=info.fps,
            file_frames=info.file_frames,
            appearance=appearance,
            motion=motion,
            clip_start=None if motion is None else info.clip_start,
            detections=detections,
            grids=grids,
        )

    def _num_items(self, extractor: int) -> int:
        per_frame = self.extractors[extractor].frames_per_item == 1
        return len(self.info.frame_index if per_frame else self.info.clip_start)

    def _detections(self, values: Sequence[Tensor | FrameObjects]) -> Detections:
        frames = [value for value in values if isinstance(value, FrameObjects)]
        if len(frames) != len(values):
            raise DataError("An extractor of objects must return FrameObjects for each frame.")
        counts = torch.tensor([len(frame.boxes) for frame in frames])
        return Detections(
            boxes=torch.cat([frame.boxes for frame in frames]),
            scores=torch.cat([frame.scores for frame in frames]),
            features=torch.cat(
                [frame.features for frame in frames if len(frame.boxes)] or [frames[0].features]
            ),
            frame=torch.repeat_interleave(torch.arange(len(frames)), counts),
            num_frames=len(frames),
            size=self.info.size,
            labels=torch.cat([_or_unknown(frame.labels, frame) for frame in frames]),
            track=torch.cat([_or_unknown(frame.track, frame) for frame in frames]),
            frame_index=self.info.frame_index,
            time=self.info.frame_time,
        )


def _or_unknown(values: Tensor | None, frame: FrameObjects) -> Tensor:
    """The values, or -1 ("unknown") for each box of the frame."""
    return torch.full((len(frame.boxes),), -1) if values is None else values


def _stack(stream: str, values: Sequence[Tensor | FrameObjects]) -> Tensor:
    tensors = [value for value in values if isinstance(value, Tensor)]
    if len(tensors) != len(values):
        raise DataError(f"An extractor of '{stream}' must return a tensor for each item.")
    return torch.stack(tensors)
