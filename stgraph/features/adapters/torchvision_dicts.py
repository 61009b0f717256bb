"""What detectors of torchvision return: a dict of tensors a frame."""

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
    """Detections from a dict a sampled frame.

    Args:
        dicts: ``boxes`` (xyxy pixels) and, where there are any, ``scores``, ``labels``, and beyond torchvision
            ``features`` and ``track``, and ``keypoints`` ``[n, K, 3]``; masks
            are not read. Features are the box geometry where no dict has them.
        size: Height and width in pixels.
        sampled: Number in the file of each dict's frame.
        fps: Frames a second of the file, for ``time``; needs ``sampled``.

    Raises:
        DataError: If a dict is invalid, named by its number from 0.
        OptionError: If ``fps`` is given without ``sampled``.

    >>> from_torchvision_dicts([{"boxes": []}, {"boxes": [[0, 0, 5, 5]], "scores": [0.5]}], (24, 32)).frame
    tensor([1])
    """
    without_masks = [{name: value for name, value in each.items() if name != "masks"} for each in dicts]
    return join_entries(without_masks, size, sampled, fps)


def to_torchvision_dicts(detections: Detections) -> list[dict[str, Tensor]]:
    """A dict of ``boxes``, ``scores``, ``labels``, ``track`` and ``features`` a sampled frame.

    >>> to_torchvision_dicts(from_torchvision_dicts([{"boxes": [[0, 0, 5, 5]]}], (24, 32)))[0]["boxes"]
    tensor([[0., 0., 5., 5.]])
    """
    return list(entries_of(detections))
