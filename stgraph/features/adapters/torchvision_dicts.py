"""Conversion from and to the results of torchvision detectors, a dict of tensors per frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.features.adapters.per_frame import entries_of, join_entries
from stgraph.features.detections import Detections

__all__ = ["from_torchvision_dicts", "to_torchvision_dicts"]


@checked
def from_torchvision_dicts(
    dicts: Sequence[Mapping[str, Any]],
    size: tuple[int, int],
    *,
    masks: bool = False,
    sampled: Sequence[int] | None = None,
    fps: float | None = None,
) -> Detections:
    """Converts one dict per sampled frame.

    Args:
        dicts: ``boxes`` (xyxy pixels) and optionally ``scores``, ``labels`` and ``keypoints`` ``[n, K, 3]``, and, which
            torchvision doesn't return, ``features`` and ``track``. Features are the box geometry if no dict has them.
        size: Height and width of the image in pixels.
        masks: Whether to read ``masks`` ``[n, 1, H, W]``; a pixel belongs to the object if its value is above 0.5.
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
    entries = [{**each, "masks": _masks(each) if masks else None} for each in dicts]
    return join_entries(entries, size, sampled, fps)


@checked
def to_torchvision_dicts(detections: Detections) -> list[dict[str, Tensor]]:
    """Converts detections to a dict of ``boxes``, ``scores``, ``labels``, ``track`` and ``features`` per sampled frame.

    ``keypoints`` and ``masks`` ``[n, 1, H, W]`` are included if the detections have them.

    >>> to_torchvision_dicts(from_torchvision_dicts([{"boxes": [[0, 0, 5, 5]]}], (24, 32)))[0]["boxes"]
    tensor([[0., 0., 5., 5.]])
    """
    entries = list(entries_of(detections))
    for entry in entries:
        if "masks" in entry:
            entry["masks"] = entry["masks"][:, None].float()
    return entries


def _masks(entry: Mapping[str, Any]) -> Tensor | None:
    value = entry.get("masks")
    if value is None:
        return None
    found = torch.as_tensor(value) > 0.5
    return found[:, 0] if found.ndim == 4 else found
