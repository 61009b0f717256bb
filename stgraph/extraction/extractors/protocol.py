"""Base classes of extractors: ``preprocess`` prepares single items, ``extract`` runs the model on batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from stgraph.checking import checked
from stgraph.errors import DataError
from stgraph.extraction.extractors.image_transforms import stacked
from stgraph.typing import check_shape

__all__ = ["Extractor", "FrameObjects", "ItemFeatures", "NetworkExtractor"]


@checked
@dataclass(frozen=True, eq=False)
class FrameObjects:
    """The objects of one frame.

    Args:
        boxes: Corners x1, y1, x2, y2 in pixels of the frame.
        scores: Confidence of each box.
        features: Feature vector of each box.
        labels: Class of each box; None if unknown.
        track: Track id of each box; None if unknown.

    Shapes: boxes ``[n, 4]``, scores, labels, track ``[n]``, features ``[n, D]``.

    Raises:
        ShapeError: If the lengths differ.
        DataError: If a box is not finite.

    Reference: our own design.
    """

    boxes: Tensor
    scores: Tensor
    features: Tensor
    labels: Tensor | None = None
    track: Tensor | None = None

    def __post_init__(self) -> None:
        check_shape("boxes", self.boxes, "n 4")
        check_shape("features", self.features, "n D", n=len(self.boxes))
        for name in ("scores", "labels", "track"):
            value = getattr(self, name)
            if value is not None:
                check_shape(name, value, "n", n=len(self.boxes))
        if not bool(torch.isfinite(self.boxes).all()):
            raise DataError("'boxes' must be finite, got NaN or infinity; drop such boxes in the detector.")


ItemFeatures = Mapping[str, "Tensor | FrameObjects"]
"""Features of one item by stream: a vector ``[D]``, the cells of a grid ``[S, D]``, or the objects of a frame."""


@checked
class Extractor(ABC):
    """Base class of extractors, which turn the items of a video (frames, or clips of consecutive frames) into features.

    Reading threads call :meth:`preprocess` for each frame; for clips, :meth:`reduce_frame` for each frame and
    :meth:`join_frames` for each clip, which by default is :meth:`preprocess` of all its frames. The thread that owns the
    model calls :meth:`extract` with items of one or several videos. The features of an item must not depend on the other
    items of the batch.

    A class of your own is chosen by its dotted name (``objects=own objects.name=my_pkg.Detector``), or by the name of an
    entry point in the group ``stgraph.extractors`` of its package. Constructor arguments are keywords with JSON values;
    they are recorded with the features and in model folders, from which the extractor is created again.

    Attributes:
        streams: Streams that it fills: "appearance", "motion", "object" or "grid/NAME".
        frames_per_item: 1 for an extractor of frames, otherwise the number of frames per clip.
        weights: Hash of the weights, or any text that changes when they do.
        versions: Versions of the packages that affect the features, by package name.
        label_names: Name of each object label.
        device: Device that :meth:`extract` runs on.

    Reference: our own design.
    """

    streams: tuple[str, ...]
    frames_per_item: ClassVar[int] = 1
    weights: str
    versions: Mapping[str, str] = MappingProxyType({})
    label_names: Sequence[str] = ()
    device: torch.device = torch.device("cpu")

    def preprocess(self, frames: Tensor) -> Any:
        """Prepares one item for :meth:`extract`; the default returns the frames unchanged.

        The result should be small, as many items wait in memory.

        Shapes: frames ``[frames_per_item, H, W, 3]`` uint8 RGB.
        """
        return frames

    def reduce_frame(self, frame: Tensor) -> Any:
        """Prepares one frame of a clip as soon as it is decoded; the default returns it unchanged.

        A clip waits in memory until its last frame, so an extractor of clips that needs small frames should resize them
        here.

        Shapes: frame ``[H, W, 3]`` uint8 RGB.
        """
        return frame

    def join_frames(self, frames: Sequence[Any]) -> Any:
        """Makes the item of a clip from the results of :meth:`reduce_frame`; by default with :meth:`preprocess`."""
        return self.preprocess(stacked("frames", frames, "H W 3"))

    @abstractmethod
    def extract(self, items: Sequence[Any]) -> list[ItemFeatures]:
        """Returns the features of each preprocessed item, in order, as tensors on the CPU."""

    def to(self, device: torch.device | str) -> Extractor:
        """Moves the model to a device and returns the extractor."""
        self.device = torch.device(device)
        return self


@checked
class NetworkExtractor(Extractor):
    """Base class of extractors that run a PyTorch network in evaluation mode, with half precision on GPUs.

    Args:
        network: The network.
        weights: Hash of its weights, as returned by :func:`~stgraph.extraction.extractors.load_network`.
    """

    def __init__(self, network: nn.Module, weights: str) -> None:
        self.network = network.eval().requires_grad_(False)
        self.weights = weights

    def to(self, device: torch.device | str) -> Extractor:
        """Moves the network to a device and returns the extractor."""
        self.network.to(device)
        return super().to(device)

    def autocast(self) -> torch.autocast:
        """Context of half precision on GPUs; on other devices it changes nothing."""
        return torch.autocast(self.device.type, dtype=torch.float16, enabled=self.device.type == "cuda")
