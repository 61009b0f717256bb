"""Converts between :class:`Detections` and lists with one entry per sampled frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from stgraph.errors import DataError, OptionError, StgraphError
from stgraph.features.detections import Detections, count_rows

__all__ = ["entries_of", "join_entries"]

PARTS = ("boxes", "scores", "labels", "track", "features")
OPTIONAL = ("keypoints", "masks")  # present in all entries with boxes, or in none


def join_entries(
    entries: Sequence[Mapping[str, Any]],
    size: tuple[int, int],
    sampled: Sequence[int] | None,
    fps: float | None,
    features: Any = None,
) -> Detections:
    """Joins the entries of all frames of one video.

    Args:
        entries: One per frame, with ``boxes`` and optionally ``scores``, ``labels``, ``track``, ``features``,
            ``keypoints`` and ``masks``, each of which may be None.
        size: Height and width of the image in pixels.
        sampled: Frame number in the file of each entry.
        fps: Frames per second of the file.
        features: Appearance features of all boxes, if the entries have none.

    Raises:
        OptionError: If ``fps`` is given without ``sampled``.
        DataError: If an entry is invalid; entries are numbered from 0.

    Shapes: features ``[N, F]``, in the order of the entries.
    """
    if fps is not None and sampled is None:
        raise OptionError("'fps' needs 'sampled', the frame numbers in the file; give both or none.")
    if not entries:
        raise DataError(
            "There must be an entry for each sampled frame, got none; a video has at least one frame."
        )
    if sampled is not None and len(sampled) != len(entries):
        raise DataError(
            f"'sampled' must have a frame number for each entry, got {len(sampled)} numbers for {len(entries)} entries."
        )
    frames = [_checked(number, entry, size) for number, entry in enumerate(entries)]
    counts = [len(frame) for frame in frames]
    if features is None:
        features = _features(entries, frames)
    elif count_rows(features) != sum(counts):
        raise DataError(
            f"'features' must have a row for each of the {sum(counts)} boxes, got {len(features)}; rows follow the "
            "order of the entries."
        )
    numbers = range(len(frames)) if sampled is None else sampled
    joined = Detections.from_raw(
        boxes=torch.cat([frame.boxes for frame in frames]),
        scores=torch.cat([frame.scores for frame in frames]),
        labels=torch.cat([frame.labels for frame in frames]),
        track=torch.cat([frame.track for frame in frames]),
        keypoints=_optional("keypoints", frames),
        masks=_optional("masks", frames),
        features=features,
        frame_numbers=np.repeat(np.asarray(numbers, dtype=np.int64), counts),
        sampled=numbers,
        size=size,
        fps=fps,
    )
    return joined if sampled is not None else replace(joined, frame_index=None)


def entries_of(detections: Detections) -> Iterator[dict[str, torch.Tensor]]:
    """Yields the values of each sampled frame by name, in order; keypoints and masks if there are any."""
    counts = detections.frame.bincount(minlength=detections.num_frames).tolist()
    names = (*PARTS, *(name for name in OPTIONAL if getattr(detections, name) is not None))
    for parts in zip(*(getattr(detections, name).split(counts) for name in names), strict=True):
        yield dict(zip(names, parts, strict=True))


def _checked(number: int, entry: Mapping[str, Any], size: tuple[int, int]) -> Detections:
    """Checks an entry as the detections of a one-frame video, so that an error can name the entry."""
    values: dict[str, Any] = {name: entry.get(name) for name in (*PARTS, *OPTIONAL)}
    if values["boxes"] is None:
        raise DataError(f"Entry {number} has no 'boxes'; a frame without objects has an empty array.")
    count = len(values["boxes"])
    ones, nothing = torch.ones(count), torch.zeros(count, 0)
    values["scores"] = ones if values["scores"] is None else values["scores"]
    values["features"] = nothing if values["features"] is None else values["features"]
    values = {
        name: value.detach().cpu() if isinstance(value, torch.Tensor) else value
        for name, value in values.items()
    }
    try:
        return Detections(**values, frame=torch.zeros(count, dtype=torch.int64), num_frames=1, size=size)
    except StgraphError as error:
        raise DataError(f"Entry {number}: {error}") from error


def _optional(name: str, frames: Sequence[Detections]) -> torch.Tensor | None:
    """Joins the rows of ``name`` of all entries; None if no entry with boxes has any."""
    full = {number: getattr(frame, name) for number, frame in enumerate(frames) if len(frame)}
    if all(value is None for value in full.values()):
        return None
    (_, first), *_ = full.items()
    for number, value in full.items():
        if value is None or first is None or value.shape[1:] != first.shape[1:]:
            raise DataError(
                f"Entry {number}: '{name}' must have one shape in all entries with boxes, or be None in all of them."
            )
    return torch.cat(list(full.values()))


def _features(entries: Sequence[Mapping[str, Any]], frames: Sequence[Detections]) -> torch.Tensor | None:
    """Joins the features of all entries; None if no entry has any. Entries without boxes don't need features."""
    if all(entry.get("features") is None for entry in entries):
        return None
    full = [number for number, frame in enumerate(frames) if len(frame)]
    if not full:  # only an empty array can give the width
        return max((frame.features for frame in frames), key=lambda features: features.size(1))
    width = frames[full[0]].features.size(1)
    for number in full:
        got = "none" if entries[number].get("features") is None else frames[number].features.size(1)
        if got != width:
            raise DataError(
                f"Entry {number}: 'features' must be {width} wide as in entry {full[0]}, got {got}; use one extractor "
                "for all frames."
            )
    return torch.cat([frames[number].features for number in full])
