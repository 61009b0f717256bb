"""Conversion from and to the results of torchvision detectors, a dict of tensors per frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from stgraph.features.adapters.per_frame import entries_of, join_entries
from stgraph.features.detections import Detections

__all__ = ["from_torchvision_dicts", "to_torchvision_dicts"]


def from_torchvision_dicts(
    dicts: Sequence[Mapping[str, Any]],
    size: tuple[int, int],
    *,
    sampled: Sequence[int] | None = None,
    fps: float | None = None,
) -> Detections:
    """Converts one dict per sampled frame.

    Args:
        dicts: ``boxes`` (xyxy pixels) and optionally ``scores``, ``labels`` and ``keypoints`` ``[n, K, 3]``, and, which
            torchvision doesn't return, ``features`` and ``track``. Masks are ignored. Features are the box geometry if
            no dict has them.
        size: Height and width of the image in pixels.
        sampled: Frame number in the file of each dict.
        fps: Frames per second of the file, to compute ``time``; requires ``sampled``.

    Returns:
        The detections of one video.

    Raises:
        DataError: If a dict is invalid; dicts are numbered from 0.
        OptionError: If ``fps`` is given without ``sampled``.

    >>> from_torchvision_dicts([{"boxes": []}, {"boxes": [[0, 0, 5, 5]], "scores": [0.5]}], (24, 32)).frame
    tensor([1])
    """
    without_masks = [{name: value for name, value in each.items() if name != "masks"} for each in dicts]
    return join_entries(without_masks, size, sampled, fps)


def to_torchvision_dicts(detections: Detections) -> list[dict[str, Tensor]]:
    """Converts detections to a dict of ``boxes``, ``scores``, ``labels``, ``track`` and ``features`` per sampled frame.

    >>> to_torchvision_dicts(from_torchvision_dicts([{"boxes": [[0, 0, 5, 5]]}], (24, 32)))[0]["boxes"]
    tensor([[0., 0., 5., 5.]])
    """
    return list(entries_of(detections))
