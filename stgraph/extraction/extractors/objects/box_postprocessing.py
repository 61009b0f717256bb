"""Postprocessing of detected boxes: clipping to the frame, score threshold, best boxes first."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace

import torch

from stgraph.errors import OptionError
from stgraph.extraction.extractors.protocol import FrameObjects

__all__ = ["MAX_BOXES", "SCORE_THRESHOLD", "check_limits", "empty", "groups", "postprocess_boxes"]

MAX_BOXES, SCORE_THRESHOLD = 36, 0.05  # what a store keeps; graph builders may keep fewer


def check_limits(max_boxes: int, score_threshold: float) -> None:
    """Checks the limits of :func:`postprocess_boxes`.

    Raises:
        OptionError: If ``max_boxes`` is below 1 or ``score_threshold`` is outside 0..1.
    """
    if max_boxes < 1:
        raise OptionError(f"'max_boxes' must be at least 1, got {max_boxes}.")
    if not 0 <= score_threshold <= 1:
        raise OptionError(f"'score_threshold' must lie in 0..1, got {score_threshold}.")


def postprocess_boxes(
    objects: FrameObjects, size: tuple[int, int], max_boxes: int, score_threshold: float
) -> FrameObjects:
    """Clips boxes to the frame, drops those without area, and keeps the highest scores.

    Args:
        objects: Objects of one frame.
        size: Height and width of the frame in pixels.
        max_boxes: Largest number of boxes to keep.
        score_threshold: Lowest score to keep.

    Returns:
        The remaining objects, highest scores first; equal scores keep their order.

    >>> found = FrameObjects(torch.tensor([[-4.0, 0, 8, 8], [40, 2, 50, 9]]), torch.ones(2), torch.zeros(2, 0))
    >>> postprocess_boxes(found, (8, 16), 36, 0.05).boxes.tolist()
    [[0.0, 0.0, 8.0, 8.0]]
    """
    height, width = size
    least, most = torch.zeros(4), torch.tensor([width, height, width, height], dtype=torch.float32)
    boxes = objects.boxes.clamp(least, most)
    x1, y1, x2, y2 = boxes.unbind(1)
    kept = ((x1 < x2) & (y1 < y2) & (objects.scores >= score_threshold)).nonzero()[:, 0]
    best = kept[objects.scores[kept].argsort(descending=True, stable=True)][:max_boxes]
    return replace(
        objects,
        boxes=boxes[best],
        scores=objects.scores[best],
        features=objects.features[best],
        labels=None if objects.labels is None else objects.labels[best],
        track=None if objects.track is None else objects.track[best],
    )


def groups(keys: Sequence[Hashable], at_most: int) -> Iterator[list[int]]:
    """Yields the positions of equal keys, at most ``at_most`` per group.

    Grouping images by size makes batches that need no padding.

    >>> list(groups(["a", "b", "a", "a"], at_most=2))
    [[0, 2], [3], [1]]
    """
    places: dict[Hashable, list[int]] = {}
    for position, key in enumerate(keys):
        places.setdefault(key, []).append(position)
    for same in places.values():
        yield from (same[first : first + at_most] for first in range(0, len(same), at_most))


def empty(width: int) -> FrameObjects:
    """The objects of a frame without any; ``width`` is that of their features."""
    none = torch.zeros(0)
    return FrameObjects(none.reshape(0, 4), none, none.reshape(0, width), labels=none.long())
