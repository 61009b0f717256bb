"""Converts the result of any detector for one frame to FrameObjects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stgraph.errors import DataError
from stgraph.extraction.extractors.protocol import FrameObjects

__all__ = ["read_result"]

FIELDS = ("boxes", "scores", "features", "labels", "track")


def read_result(result: Any) -> FrameObjects:
    """Converts a detector's result for one frame.

    Args:
        result: :class:`~stgraph.extraction.extractors.protocol.FrameObjects`; a mapping with "boxes" and optionally
            "scores", "labels", "features" and "track"; a tuple (boxes, scores) or (boxes, scores, labels); or an object
            with the attributes ``xyxy`` and ``confidence`` and optionally ``class_id``, ``tracker_id`` and
            ``data["features"]``, such as ``supervision.Detections``. Values are arrays, lists or tensors. Missing scores
            become 1, missing features have width 0.

    Raises:
        DataError: If the result has another form, or a value is not a finite number.
        ShapeError: If the lengths differ.

    >>> read_result((np.array([[1, 2, 3, 4]]), [0.5])).scores
    tensor([0.5000])
    """
    parts = _parts(result)
    if parts is None or parts.get("boxes") is None:
        raise DataError(
            "must be FrameObjects, a mapping with 'boxes', a tuple (boxes, scores[, labels]), or an object with xyxy and "
            f"confidence, got {_type_and_size(result)}"
        )
    boxes = _tensor("boxes", parts["boxes"], torch.float32)
    boxes = boxes if boxes.numel() else boxes.reshape(0, 4)
    given = {
        name: _tensor(name, value, torch.float32 if name in ("scores", "features") else torch.int64)
        for name, value in parts.items()
        if name != "boxes" and value is not None
    }
    given.setdefault("scores", torch.ones(len(boxes)))
    given.setdefault("features", torch.zeros(len(boxes), 0))
    objects = FrameObjects(boxes, **given)
    if not bool(torch.isfinite(objects.scores).all()):
        raise DataError("'scores' must be finite, got NaN or infinity; drop such boxes in the detector.")
    return objects


def _parts(result: Any) -> dict[str, Any] | None:
    if isinstance(result, FrameObjects):
        return {name: getattr(result, name) for name in FIELDS}
    if isinstance(result, Mapping):
        return {name: result.get(name) for name in FIELDS}
    if isinstance(result, tuple) and len(result) in (2, 3):
        return dict(zip(("boxes", "scores", "labels"), result, strict=False))
    return _from_attributes(result)


def _from_attributes(result: Any) -> dict[str, Any] | None:
    """Reads ``supervision.Detections`` and any other object with the same attributes."""
    if not hasattr(result, "xyxy") or not hasattr(result, "confidence"):
        return None
    data = getattr(result, "data", None)
    return {
        "boxes": result.xyxy,
        "scores": result.confidence,
        "labels": getattr(result, "class_id", None),
        "track": getattr(result, "tracker_id", None),
        "features": data.get("features") if isinstance(data, Mapping) else None,
    }


def _tensor(name: str, value: Any, dtype: torch.dtype) -> Tensor:
    try:
        # PyTorch doesn't support arrays with negative strides.
        array = value if isinstance(value, Tensor) else np.ascontiguousarray(value)
        return torch.as_tensor(array).detach().cpu().to(dtype)
    except (TypeError, ValueError) as error:
        raise DataError(f"'{name}' must be an array of numbers, got {_type_and_size(value)}") from error


def _type_and_size(value: Any) -> str:
    """The type of a value and its shape, keys or length, for error messages."""
    kind = type(value).__name__
    if hasattr(value, "shape"):
        return f"{kind} of shape {list(value.shape)}"
    if isinstance(value, Mapping):
        return f"{kind} with {', '.join(map(repr, list(value)[:5])) or 'nothing'}"
    if isinstance(value, list | tuple):
        return f"{kind} of {len(value)} values"
    return f"{kind} {value!r}"[:80] if isinstance(value, str | int | float | None) else kind
