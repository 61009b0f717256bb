"""What the extractors said of one video, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from stgraph.errors import DataError
from stgraph.extraction.extractors.protocol import Extractor, FrameObjects, ItemFeatures
from stgraph.extraction.reading import VideoFacts
from stgraph.features.detections import Detections
from stgraph.features.video_features import GridFeatures, VideoFeatures

__all__ = ["Assembly"]


@dataclass
class Assembly:
    """Collects one video's descriptions until all are there.

    Args:
        facts: The video.
        extractors: Those whose descriptions are awaited.
    """

    facts: VideoFacts
    extractors: Sequence[Extractor]
    _found: dict[int, dict[int, ItemFeatures]] = field(default_factory=dict)

    def add(self, extractor: int, first: int, descriptions: Sequence[ItemFeatures]) -> None:
        """Takes the descriptions of items ``first``, ``first + 1``, ..."""
        place = self._found.setdefault(extractor, {})
        place.update({first + k: description for k, description in enumerate(descriptions)})

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return all(len(self._found.get(k, ())) == self._expected(k) for k in range(len(self.extractors)))

    def video(self) -> VideoFeatures:
        """The features.

        Raises: DataError: Values that cannot be right, such as NaN; ShapeError: widths that differ.
        """
        facts = self.facts
        appearance = motion = detections = None
        grids: dict[str, GridFeatures] = {}
        for k, extractor in enumerate(self.extractors):
            said = [self._found[k][position] for position in range(self._expected(k))]
            starts = facts.frame_index if extractor.frames_per_item == 1 else facts.clip_start
            for stream in extractor.streams:
                values = [description[stream] for description in said]
                if stream == "object":
                    detections = self._detections(values)
                elif stream == "appearance":
                    appearance = _stacked(stream, values)
                elif stream == "motion":
                    motion = _stacked(stream, values)
                else:
                    grids[stream.removeprefix("grid/")] = GridFeatures(_stacked(stream, values), starts)
        return VideoFeatures(
            id=facts.id,
            size=facts.size,
            frame_index=facts.frame_index,
            frame_time=facts.frame_time,
            fps=facts.fps,
            file_frames=facts.file_frames,
            appearance=appearance,
            motion=motion,
            clip_start=None if motion is None else facts.clip_start,
            detections=detections,
            grids=grids,
        )

    def _expected(self, extractor: int) -> int:
        single = self.extractors[extractor].frames_per_item == 1
        return len(self.facts.frame_index if single else self.facts.clip_start)

    def _detections(self, values: Sequence[Tensor | FrameObjects]) -> Detections:
        frames = [value for value in values if isinstance(value, FrameObjects)]
        if len(frames) != len(values):
            raise DataError("An extractor of objects must give FrameObjects for each frame.")
        counts = torch.tensor([len(frame.boxes) for frame in frames])
        unknown = lambda value, frame: torch.full((len(frame.boxes),), -1) if value is None else value
        return Detections(
            boxes=torch.cat([frame.boxes for frame in frames]),
            scores=torch.cat([frame.scores for frame in frames]),
            features=torch.cat(
                [frame.features for frame in frames if len(frame.boxes)] or [frames[0].features]
            ),
            frame=torch.repeat_interleave(torch.arange(len(frames)), counts),
            num_frames=len(frames),
            size=self.facts.size,
            labels=torch.cat([unknown(frame.labels, frame) for frame in frames]),
            track=torch.cat([unknown(frame.track, frame) for frame in frames]),
            frame_index=self.facts.frame_index,
            time=self.facts.frame_time,
        )


def _stacked(stream: str, values: Sequence[Tensor | FrameObjects]) -> Tensor:
    tensors = [value for value in values if isinstance(value, Tensor)]
    if len(tensors) != len(values):
        raise DataError(f"An extractor of '{stream}' must give a tensor for each item.")
    return torch.stack(tensors)
