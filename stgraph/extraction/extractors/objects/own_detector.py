"""Any detector as an extractor: a callable from frames to boxes."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from stgraph.errors import DataError, OptionError, StgraphError
from stgraph.extraction.extractors.objects.box_postprocessing import (
    MAX_BOXES,
    SCORE_THRESHOLD,
    check_limits,
    postprocess_boxes,
)
from stgraph.extraction.extractors.objects.detector_results import read_result
from stgraph.extraction.extractors.objects.roi_backbone import RoIBackbone
from stgraph.extraction.extractors.protocol import Extractor, FrameObjects, ItemFeatures

__all__ = ["OwnDetector", "wrap_detector"]

UNKNOWN = "unknown"
RESERVED = ("features", "features_weights", "side", "max_boxes", "score_threshold")


class Frame(NamedTuple):
    """A frame as it is, and as the backbone sees it.

    Shapes: pixels ``[H, W, 3]`` uint8, picture ``[3, h, w]`` uint8 or None.
    """

    pixels: Tensor
    picture: Tensor | None


class OwnDetector(Extractor):
    """Boxes of a callable, with RoI features of a backbone.

    The callable gets a list of frames, numpy uint8 RGB ``[H, W, 3]``, and returns a list with a result for each, in one of
    the forms of :func:`~stgraph.extraction.extractors.objects.detector_results.read_result`. What it says of a frame must
    not depend on the others. Its attributes ``weights`` (a hash, any word, or a file, whose hash is taken), ``label_names``
    and ``versions``, where it has them, are kept with the features.

    Args:
        detector: The callable.
        name: What messages call it.
        features: "resnet18", "resnet50", "resnet101" or "resnet152": RoI features of its last stage replace whatever the
            results carry; None keeps the features of the results.
        features_weights: Weights of that backbone, as in :func:`~stgraph.extraction.extractors.weights.load_network`.
        side: Short side in pixels of the picture that the backbone sees; the long one is at most twice that.
        max_boxes, score_threshold: At most so many boxes a frame, best first, of at least this score.

    Shapes: a frame -> :class:`~stgraph.extraction.extractors.protocol.FrameObjects` with features ``[n, 2048]``, of
        ResNet-18 ``[n, 512]``, or of the results' own width (0 in frames without boxes, unless the result says otherwise).
    Raises: OptionError: A value that is not one of those allowed. DataError: A result of another form.
    Reference: house design.
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
        """Moves the backbone, and the detector where it can be moved."""
        if self.backbone is not None:
            self.backbone.resnet.to(device)
        if hasattr(self.detector, "to"):
            self.detector.to(device)
        return super().to(device)

    def preprocess(self, pictures: Tensor) -> Frame:
        """The frame, and the backbone's picture of it."""
        frame = pictures[0]
        return Frame(frame, None if self.backbone is None else self.backbone.resize(frame))

    def extract(self, items: Sequence[Frame]) -> list[ItemFeatures]:
        """The objects of each frame."""
        sizes = [(item.pixels.shape[0], item.pixels.shape[1]) for item in items]
        found = [
            postprocess_boxes(self._read(result), size, self.max_boxes, self.score_threshold)
            for result, size in zip(self._detect(items), sizes, strict=True)
        ]
        if self.backbone is not None:
            pictures = [item.picture for item in items if item.picture is not None]
            features = self.backbone.extract(pictures, [objects.boxes for objects in found], sizes)
            found = [replace(objects, features=rows) for objects, rows in zip(found, features, strict=True)]
        return [{"object": objects} for objects in found]

    def _detect(self, items: Sequence[Frame]) -> Sequence[Any]:
        results = self.detector([item.pixels.numpy() for item in items])
        if not isinstance(results, list | tuple) or len(results) != len(items):
            got = f" of {len(results)}" if isinstance(results, list | tuple) else ""
            raise DataError(
                f"Detector '{self.name}' must return a list with one result for each of its {len(items)} frames, got a "
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
                f"Detector '{self.name}' gave boxes without features; return them, or have 'features' a backbone such as "
                "resnet50."
            )
        return objects


def wrap_detector(name: str, found: Callable[..., Any], settings: Mapping[str, Any]) -> OwnDetector:
    """The extractor around a function ``frames -> results``, or around an object of a class of such functions.

    Args:
        name: What messages call it.
        found: The function or the class.
        settings: Those of :class:`OwnDetector` by their names; all others are arguments of the class.

    Raises: OptionError: Arguments that the class does not take, any for a function, or objects that cannot be called.
    """
    ours = {key: value for key, value in settings.items() if key in RESERVED}
    theirs = {key: value for key, value in settings.items() if key not in RESERVED}
    if inspect.isclass(found):
        found = _instance(name, found, theirs)
    elif theirs:
        raise OptionError(
            f"Detector '{name}' is a function and takes no settings, got {', '.join(sorted(theirs))}; those of every "
            f"detector are {', '.join(RESERVED)}."
        )
    return OwnDetector(found, name=name, **ours)


def _instance(name: str, found: type, settings: Mapping[str, Any]) -> Callable[..., Any]:
    try:
        inspect.signature(found).bind(**settings)
    except (TypeError, ValueError) as error:
        raise OptionError(f"Detector '{name}': {error}.") from error
    detector = found(**settings)
    if not callable(detector):
        raise OptionError(
            f"Detector '{name}' must be called with frames, but {found.__name__} has no __call__; write one."
        )
    return detector


def _weights(detector: Any) -> str:
    """A hash or a word; of a file, its hash."""
    weights = getattr(detector, "weights", UNKNOWN)
    if not isinstance(weights, str | Path):
        raise OptionError(
            f"A detector's 'weights' must be a hash, a word or a file, got a {type(weights).__name__}; rename the attribute."
        )
    if not Path(weights).is_file():
        return str(weights)
    with open(weights, "rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _label_names(detector: Any) -> tuple[str, ...]:
    names = getattr(detector, "label_names", ())
    if not isinstance(names, list | tuple):
        raise OptionError(
            f"A detector's 'label_names' must be a list, the name of label 0 first, got a {type(names).__name__}."
        )
    return tuple(str(name) for name in names)
