"""Generated videos of whose object features some parts are read, with tracks: for studies of what edges add to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.errors import OptionError
from stgraph.features.detections import Detections
from stgraph.features.store import FeatureStore
from stgraph.features.video_features import VideoFeatures

__all__ = ["OBJECT_PARTS", "ObjectPartsStore", "linked_tracks"]

OBJECT_PARTS = {"appearance": slice(0, 61), "motion": slice(61, 91), "geometry": slice(91, 120)}
"""Columns of the object features that ``extract_video_features`` computes."""


@checked
class ObjectPartsStore(FeatureStore):
    """A store of generated videos with some columns of its object features, and the tracks of :func:`linked_tracks`.

    Args:
        path: The store.
        parts: Names in :data:`OBJECT_PARTS`.

    Raises:
        OptionError: If there is no part, or one has another name.

    Reference: our own design.
    """

    def __init__(self, path: str | Path, parts: Sequence[str]) -> None:
        super().__init__(path)
        if not parts or not set(parts) <= OBJECT_PARTS.keys():
            raise OptionError(f"'objects' must be some of {', '.join(OBJECT_PARTS)}, got {list(parts)}.")
        self.parts = tuple(part for part in OBJECT_PARTS if part in parts)

    @property
    def widths(self) -> dict[str, int]:
        """Feature width of each stream."""
        width = sum(OBJECT_PARTS[part].stop - OBJECT_PARTS[part].start for part in self.parts)
        return {**super().widths, "object": width}

    def read(self, video_id: str, streams: Sequence[str] | None = None) -> VideoFeatures:
        """Reads a video, as the base class does."""
        video = super().read(video_id, streams)
        found = video.detections
        if found is None:
            return video
        track = linked_tracks(found, found.features[:, OBJECT_PARTS["appearance"]])
        features = torch.cat([found.features[:, OBJECT_PARTS[part]] for part in self.parts], 1)
        return replace(video, detections=replace(found, features=features, track=track))

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "parts": self.parts}


@checked
def linked_tracks(detections: Detections, appearance: Tensor) -> Tensor:
    """Identity of each box: it is that of the box of the same class, of the frames before, which looks most alike.

    Frame by frame, tracks and boxes are paired so that the sum of the distances of their appearances is smallest. A box
    whose class no free track has begins a new one.

    Args:
        detections: The boxes of one video, sorted by frame.
        appearance: What they are compared by.

    Shapes: appearance ``[N, F]`` -> ``[N]``.

    >>> boxes = Detections.from_raw(boxes=[[0, 0, 1, 1]] * 4, frame_numbers=[0, 0, 1, 1], labels=[0, 1, 1, 0], size=(9, 9))
    >>> linked_tracks(boxes, torch.zeros(4, 1)).tolist()
    [0, 1, 1, 0]
    """
    from scipy.optimize import linear_sum_assignment

    track = torch.full((len(detections),), -1)
    last: list[int] = []  # row of the last sighting of each track
    for frame in detections.frame.unique().tolist():
        rows = (detections.frame == frame).nonzero()[:, 0]
        old = torch.tensor(last, dtype=torch.long)
        distance = torch.cdist(appearance[old], appearance[rows])
        other = detections.labels[old][:, None] != detections.labels[rows][None]
        cost = distance + other * (1.0 + distance.sum())
        for place, column in zip(
            *(index.tolist() for index in linear_sum_assignment(cost.numpy())), strict=True
        ):
            if not other[place, column]:
                row = int(rows[column])
                track[row], last[place] = place, row
        for row in rows[track[rows] < 0].tolist():
            track[row] = len(last)
            last.append(row)
    return track
