"""A video whose boxes are tracked and labelled: detections, intervals, states and relations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.errors import DataError, OptionError, shown
from stgraph.features.detections import Detections
from stgraph.features.video_features import VideoFeatures
from stgraph.graph import VideoGraph, VideoGraphBuilder
from stgraph.typing import check_shape
from stgraph.video import spread_frames
from stgraph.video.ids import check_id

__all__ = ["AnnotatedVideo", "Segment"]


@checked
@dataclass(frozen=True)
class Segment:
    """An interval of a video with a label.

    Args:
        kind: What is labelled, such as "action" or "caption".
        label: The label, or the sentence.
        start: First frame, numbered from 0 in the file.
        end: The frame after the last one.

    Raises:
        DataError: If the interval is empty or begins before frame 0.

    >>> Segment("action", "drink", 10, 40).end
    40
    """

    kind: str
    label: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise DataError(
                f"A segment must begin at frame 0 or later and end after its beginning, got {self.start} to {self.end} "
                f"for the {self.kind} '{shown(self.label, 60)}'; frames are numbered from 0 and 'end' is not included."
            )


@checked
@dataclass(frozen=True, eq=False)
class AnnotatedVideo:
    """What a reader of a track data set returns for one video.

    ``detections`` hold the boxes: ``labels`` number the data set's ``label_names``, ``track`` is the identity over time, and
    ``frame_index`` holds the frame numbers in the file. Everything else refers to boxes by their row, or to frames by their
    number in the file.

    Args:
        video_id: Name of the video.
        detections: Its boxes; a thing without a box in a frame is absent there.
        split: Official split of the video, or None.
        group: The unit that must not be in two splits at once, such as the person, or None.
        segments: Labelled intervals.
        states: Class of each box by the name of the state, -1 unknown; the data set's ``state_names`` number the classes.
        relation_index: Rows of the first and of the second box of each relation.
        relation: What the first box is to the second, a number of the data set's ``relation_names``; two boxes may have
            several relations.
        tracks: Further facts on each track, by its number.
        dropped: Number of annotations that were left out, by the reason.

    Shapes: states ``[N]``, relation_index ``[2, R]``, relation ``[R]``.

    Raises:
        ShapeError: If the lengths differ.
        DataError: If the id is not valid, a relation names a row that does not exist, or frames have no numbers.

    Reference: our own design.
    """

    video_id: str
    detections: Detections
    split: str | None = None
    group: str | None = None
    segments: tuple[Segment, ...] = ()
    states: Mapping[str, Tensor] = field(default_factory=dict)
    relation_index: Tensor = field(default_factory=lambda: torch.zeros(2, 0, dtype=torch.long))
    relation: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.long))
    tracks: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_id(self.video_id)
        if not isinstance(self.detections, Detections):
            raise DataError(f"'detections' must be Detections, got {type(self.detections).__name__}.")
        num_boxes = len(self.detections)
        if self.detections.frame_index is None:
            raise DataError(
                f"The detections of '{self.video_id}' must have 'frame_index', to which segments refer; make them with "
                "Detections.from_raw."
            )
        for name, state in self.states.items():
            check_shape(f"states['{name}']", state, "N", N=num_boxes)
        check_shape("relation_index", self.relation_index, "2 R")
        check_shape("relation", self.relation, "R", R=self.relation_index.size(1))
        if self.relation.numel():
            low, high = int(self.relation_index.min()), int(self.relation_index.max())
            if low < 0 or high >= num_boxes:
                raise DataError(
                    f"'relation_index' of '{self.video_id}' must hold rows from 0 to {num_boxes - 1}, got "
                    f"{low if low < 0 else high}."
                )

    @property
    def frame_numbers(self) -> Tensor:
        """Number in the file of each frame, ``[T]``."""
        assert self.detections.frame_index is not None
        return self.detections.frame_index

    def segments_of(self, kind: str) -> tuple[Segment, ...]:
        """The segments of one kind."""
        return tuple(segment for segment in self.segments if segment.kind == kind)

    def select_frames(self, positions: Sequence[int] | Tensor) -> AnnotatedVideo:
        """Keeps some frames, and of the boxes and relations those in them; segments stay as they are.

        Args:
            positions: Positions 0..T-1 of the frames among those of the video, increasing.

        Raises:
            OptionError: If there are none, they do not increase, or one does not exist.
        """
        detections = self.detections
        chosen = torch.as_tensor(np.asarray(positions), dtype=torch.long).reshape(-1)
        last = detections.num_frames - 1
        if not len(chosen) or int(chosen.min()) < 0 or int(chosen.max()) > last:
            raise OptionError(f"'positions' must be some of 0..{last}, got {chosen.tolist()[:10]}.")
        if bool((chosen.diff() <= 0).any()):
            raise OptionError(f"'positions' must increase, got {chosen.tolist()[:10]}.")
        place = torch.full((detections.num_frames,), -1)
        place[chosen] = torch.arange(len(chosen))
        rows = (place[detections.frame] >= 0).nonzero()[:, 0]
        row = torch.full((len(detections),), -1)
        row[rows] = torch.arange(len(rows))
        boxes = detections.select(rows)
        index = row[self.relation_index]
        kept = (index >= 0).all(0)
        return replace(
            self,
            detections=replace(
                boxes,
                frame=place[boxes.frame],
                num_frames=len(chosen),
                frame_index=self.frame_numbers[chosen],
                time=None if detections.time is None else detections.time[chosen],
            ),
            states={name: state[rows] for name, state in self.states.items()},
            relation_index=index[:, kept],
            relation=self.relation[kept],
        )

    def clip(self, start: int, end: int, num_frames: int | None = None) -> AnnotatedVideo:
        """Keeps the frames of an interval, and samples from them.

        Args:
            start: First frame number in the file.
            end: The frame number after the last one.
            num_frames: Frames to sample, the middle ones of equal parts; None keeps all.

        Raises:
            DataError: If the video has no frame in the interval.
            OptionError: If ``num_frames`` is below 1.
        """
        inside = ((self.frame_numbers >= start) & (self.frame_numbers < end)).nonzero()[:, 0]
        if not len(inside):
            raise DataError(
                f"'{self.video_id}' has no frames from {start} to {end}; its frames are "
                f"{int(self.frame_numbers[0])} to {int(self.frame_numbers[-1])}."
            )
        if num_frames is not None:
            inside = inside[torch.from_numpy(spread_frames(len(inside), num_frames))]
        return self.select_frames(inside)

    def mirrored(self) -> AnnotatedVideo:
        """Exchanges left and right; features that are the geometry of the boxes follow them, others stay.

        Raises:
            DataError: If the boxes have keypoints or masks, which have sides of their own.
        """
        detections = self.detections
        if detections.keypoints is not None or detections.masks is not None:
            raise DataError(
                f"'{self.video_id}' has keypoints or masks, which cannot be mirrored; leave them out of its detections."
            )
        x1, y1, x2, y2 = detections.boxes.unbind(1)
        width = detections.size[1]
        turned = replace(detections, boxes=torch.stack([width - x2, y1, width - x1, y2], 1))
        if turned.features_are_geometry:
            turned = replace(turned, features=turned.geometry())
        return replace(self, detections=turned)

    def features(self) -> VideoFeatures:
        """The video as a feature store keeps it: frames and detections."""
        detections = self.detections
        unknown = torch.full((detections.num_frames,), torch.nan)
        return VideoFeatures(
            id=self.video_id,
            size=detections.size,
            frame_index=self.frame_numbers,
            frame_time=unknown if detections.time is None else detections.time,
            detections=detections,
        )

    def graph(self, builder: VideoGraphBuilder | None = None, video_id: str | None = None) -> VideoGraph:
        """Builds the graph, with ``group`` as an attribute if the video has one.

        Args:
            builder: Builds the graph; None is ``VideoGraphBuilder("self", "track")``: there are no edges but those along
                tracks, and each node's own.
            video_id: Name of the graph; None takes that of the video.

        Raises:
            OptionError: If the builder drops or adds boxes, to which states and relations refer.
        """
        builder = _default_builder() if builder is None else builder
        if builder.max_objects is not None or builder.pad_objects is not None or builder.score_threshold > 0:
            raise OptionError(
                "'builder' must keep every box, as relations and states refer to them; leave out max_objects, "
                "score_threshold and pad_objects."
            )
        graph = builder(self.detections, video_id=self.video_id if video_id is None else video_id)
        if self.group is not None:
            graph.group = self.group
        return graph


@cache
def _default_builder() -> VideoGraphBuilder:
    """One builder for all videos: finding a rule by its name looks through all installed packages."""
    return VideoGraphBuilder("self", "track")
