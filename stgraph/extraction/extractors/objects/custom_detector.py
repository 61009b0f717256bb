"""Turns any detector, a callable from frames to boxes, into an extractor."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from stgraph.checking import checked
from stgraph.errors import DataError, OptionError, StgraphError
from stgraph.extraction.extractors.image_transforms import check_frames
from stgraph.extraction.extractors.objects.box_postprocessing import (
    MAX_BOXES,
    SCORE_THRESHOLD,
    check_limits,
    postprocess_boxes,
)
from stgraph.extraction.extractors.objects.detector_results import read_result
from stgraph.extraction.extractors.objects.roi_backbone import RoIBackbone
from stgraph.extraction.extractors.protocol import Extractor, FrameObjects, ItemFeatures

__all__ = ["CustomDetector", "wrap_detector"]

UNKNOWN = "unknown"
RESERVED = ("features", "features_weights", "side", "max_boxes", "score_threshold")


class Frame(NamedTuple):
    """A frame, and the same frame resized for the backbone.

    Shapes: pixels ``[H, W, 3]`` uint8, resized ``[3, h, w]`` uint8, or None without a backbone.
    """

    pixels: Tensor
    resized: Tensor | None


@checked
class CustomDetector(Extractor):
    """Extractor that takes the boxes of a callable and the RoI features of a backbone.

    The callable receives a list of frames, numpy uint8 RGB ``[H, W, 3]``, and returns a list with one result per frame, in
    one of the forms of ``read_result`` in ``detector_results.py``. The result for a frame
    must not depend on the other frames. Its optional attributes ``weights`` (a hash, any text, or a file, which is hashed),
    ``label_names`` and ``versions`` are recorded with the features.

    Args:
        detector: The callable.
        name: Name of the detector in error messages.
        features: "resnet18", "resnet50", "resnet101" or "resnet152" to compute RoI features from its last stage, which
            replace any features of the results; None keeps the features of the results.
        features_weights: Weights of the backbone, see :func:`~stgraph.extraction.extractors.load_network`.
        side: Short side in pixels of the frame resized for the backbone; the long side is at most twice that.
        max_boxes: Largest number of boxes per frame, highest scores first.
        score_threshold: Boxes of a lower score are dropped.

    Shapes: a frame -> :class:`~stgraph.extraction.extractors.protocol.FrameObjects` with features ``[n, 2048]``, for
        ResNet-18 ``[n, 512]``, or of the width that the results have (0 in frames without boxes unless they have one).

    Raises:
        OptionError: If an argument or attribute is out of range or not one of the allowed values.
        DataError: If a result has another form.

    Reference: our own design.
    """

    streams = ("object",)

    def __init__(
        self,
        detector: Callable[[list[Any]], Sequence[Any]],
        *,
        name: str = "detector",
        features: str | None = "resnet50",
        features_weights: str = "default",
        side: int = 448,
        max_boxes: int = MAX_BOXES,
        score_threshold: float = SCORE_THRESHOLD,
    ) -> None:
        check_limits(max_boxes, score_threshold)
        self.detector, self.name = detector, name
        self.max_boxes, self.score_threshold = max_boxes, score_threshold
        self.label_names = _label_names(detector)
        self.versions = {str(key): str(value) for key, value in getattr(detector, "versions", {}).items()}
        self.weights = _weights(detector)
        self.backbone = None if features is None else RoIBackbone(features, features_weights, side)
        if self.backbone is not None:
            self.weights += f" + {self.backbone.resnet.weights}"
            self.versions |= self.backbone.resnet.versions

    def to(self, device: torch.device | str) -> Extractor:
        """Moves the backbone to a device, and the detector if it has a method ``to``."""
        if self.backbone is not None:
            self.backbone.resnet.to(device)
        if hasattr(self.detector, "to"):
            self.detector.to(device)
        return super().to(device)

    def preprocess(self, frames: Tensor) -> Frame:
        """Returns the frame, and resizes it for the backbone."""
        check_frames("frames", frames, k=1)
        frame = frames[0]
        return Frame(frame, None if self.backbone is None else self.backbone.resize(frame))

    def extract(self, items: Sequence[Frame]) -> list[ItemFeatures]:
        """Returns the objects of each frame."""
        sizes = [(item.pixels.shape[0], item.pixels.shape[1]) for item in items]
        found = [
            postprocess_boxes(self._read(result), size, self.max_boxes, self.score_threshold)
            for result, size in zip(self._detect(items), sizes, strict=True)
        ]
        if self.backbone is not None:
            images = [item.resized for item in items if item.resized is not None]
            features = self.backbone.extract(images, [objects.boxes for objects in found], sizes)
            found = [replace(objects, features=rows) for objects, rows in zip(found, features, strict=True)]
        return [{"object": objects} for objects in found]

    def _detect(self, items: Sequence[Frame]) -> Sequence[Any]:
        results = self.detector([item.pixels.numpy() for item in items])
        if not isinstance(results, list | tuple) or len(results) != len(items):
            got = f" of {len(results)}" if isinstance(results, list | tuple) else ""
            raise DataError(
                f"Detector '{self.name}' must return a list with one result for each of {len(items)} frames, got a "
                f"{type(results).__name__}{got}."
            )
        return results

    def _read(self, result: Any) -> FrameObjects:
        try:
            objects = read_result(result)
        except StgraphError as error:
            raise DataError(f"A result of detector '{self.name}': {str(error).rstrip('.')}.") from error
        if self.backbone is None and len(objects.boxes) and not objects.features.shape[1]:
            raise DataError(
                f"Detector '{self.name}' returned boxes without features; return features, or set 'features' to a backbone "
                "such as resnet50."
            )
        return objects


@checked
def wrap_detector(name: str, found: Callable[..., Any], settings: Mapping[str, Any]) -> CustomDetector:
    """Wraps a function ``frames -> results``, or an instance of a class whose instances can be called so.

    Args:
        name: Name of the detector in error messages.
        found: The function or the class.
        settings: Arguments of :class:`CustomDetector`; any others are passed to the constructor of the class.

    Raises:
        OptionError: If the class doesn't accept the arguments, a function was given any, or the instance cannot be called.
    """
    ours = {key: value for key, value in settings.items() if key in RESERVED}
    theirs = {key: value for key, value in settings.items() if key not in RESERVED}
    if inspect.isclass(found):
        found = _instance(name, found, theirs)
    elif theirs:
        raise OptionError(
            f"Detector '{name}' is a function and takes no settings, got {', '.join(sorted(theirs))}; the settings "
            f"of every detector are {', '.join(RESERVED)}."
        )
    return CustomDetector(found, name=name, **ours)


def _instance(name: str, found: type, settings: Mapping[str, Any]) -> Callable[..., Any]:
    try:
        inspect.signature(found).bind(**settings)
    except (TypeError, ValueError) as error:
        raise OptionError(f"Detector '{name}': {error}.") from error
    detector = found(**settings)
    if not callable(detector):
        raise OptionError(
            f"Detector '{name}' must be callable with frames, but {found.__name__} has no __call__; define it."
        )
    return detector


def _weights(detector: Any) -> str:
    """The detector's ``weights``; for a file, its hash."""
    weights = getattr(detector, "weights", UNKNOWN)
    if not isinstance(weights, str | Path):
        raise OptionError(
            f"A detector's 'weights' must be a hash, any text or a file, got a {type(weights).__name__}; "
            "rename the attribute."
        )
    if not Path(weights).is_file():
        return str(weights)
    with open(weights, "rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _label_names(detector: Any) -> tuple[str, ...]:
    names = getattr(detector, "label_names", ())
    if not isinstance(names, list | tuple):
        raise OptionError(
            f"A detector's 'label_names' must be a list that starts with the name of label 0, got a {type(names).__name__}."
        )
    return tuple(str(name) for name in names)
