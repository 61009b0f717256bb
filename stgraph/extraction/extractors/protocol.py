"""What every extractor of real videos is: it prepares items of pixels, and describes batches of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from stgraph.errors import DataError
from stgraph.typing import check_shape

__all__ = ["Extractor", "FrameObjects", "ItemFeatures", "NetworkExtractor"]


@dataclass(frozen=True, eq=False)
class FrameObjects:
    """The objects of one frame.

    Args:
        boxes: Corners x1, y1, x2, y2 in pixels of the frame.
        scores: Confidence of each box.
        features: Appearance of each box.
        labels: Class of each box; None where unknown.
        track: Identity of each box over time; None where unknown.

    Shapes: boxes ``[n, 4]``, scores, labels, track ``[n]``, features ``[n, D]``.
    Raises: ShapeError: Lengths differ. DataError: A box that is not finite.
    Reference: house design.
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
"""What an extractor says of one item, by stream: a vector ``[D]``, cells ``[S, D]`` of a grid, or a frame's objects."""


class Extractor(ABC):
    """Describes items of a video: frames, or clips of consecutive frames.

    Reading threads call :meth:`preprocess`, once an item; the thread that owns the model calls :meth:`extract` with items
    of one or several videos. What it says of an item must not depend on the items beside it.

    A class of your own is used by its dotted name (``objects=own objects.name=my_pkg.Detector``), or by a short name where
    its package declares an entry point of the group ``stgraph.extractors``. Its arguments are keywords whose values JSON
    holds; they are kept with the features, and a captioner makes the same extractor from them again.

    Attributes:
        streams: What it fills: "appearance", "motion", "object", "grid/NAME".
        frames_per_item: 1 for an extractor of frames, else the frames of a clip.
        weights: Hash of the weights, or any word that tells two makes apart.
        versions: Versions of the packages that take part, by name.
        label_names: Name of each label of the objects.
        device: Where :meth:`extract` works.

    Reference: house design.
    """

    streams: tuple[str, ...]
    frames_per_item: ClassVar[int] = 1
    weights: str
    versions: Mapping[str, str] = MappingProxyType({})
    label_names: Sequence[str] = ()
    device: torch.device = torch.device("cpu")

    def preprocess(self, pictures: Tensor) -> Any:
        """Whatever :meth:`extract` wants of one item; small, as many items wait for their turn.

        Shapes: pictures ``[frames_per_item, H, W, 3]`` uint8 RGB.
        """
        return pictures

    @abstractmethod
    def extract(self, items: Sequence[Any]) -> list[ItemFeatures]:
        """Says of each item what it sees, in their order; tensors on the CPU."""

    def to(self, device: torch.device | str) -> Extractor:
        """Moves the model."""
        self.device = torch.device(device)
        return self


class NetworkExtractor(Extractor):
    """An extractor with a PyTorch network, in evaluation mode and in half precision where the device has it.

    Args:
        network: The network.
        weights: Its hash, as :func:`stgraph.extraction.extractors.weights.load_network` returns it.
    """

    def __init__(self, network: nn.Module, weights: str) -> None:
        self.network = network.eval().requires_grad_(False)
        self.weights = weights

    def to(self, device: torch.device | str) -> Extractor:
        """Moves the network."""
        self.network.to(device)
        return super().to(device)

    def autocast(self) -> torch.autocast:
        """Half precision on GPUs; everywhere else the precision of the weights."""
        return torch.autocast(self.device.type, dtype=torch.float16, enabled=self.device.type == "cuda")
