"""A detector of colourful objects on a dull background: connected pixels of one hue."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from stgraph.checking import checked
from stgraph.datasets.interactions.pixels.colour import HUE_NAMES, NO_HUE, ColourMap, chroma_of, colour_map
from stgraph.errors import OptionError
from stgraph.features.detections import Detections

__all__ = ["BlobDetector"]


@checked
class BlobDetector:
    """Detects blobs: connected pixels of the same one of six hues with sufficient chroma.

    It has no access to the scene and makes the errors of real detectors: touching objects of one hue become one box, objects
    in shadow or behind others are missed or cut, noise moves box edges, and colourful background is detected as an object.

    .. math:: score = (1 - e^{-area / 50}) (1 - e^{-(chroma - 30) / 30})

    where area is the number of pixels and chroma their mean chroma (0..255).

    Args:
        min_chroma: Smallest chroma of a pixel, in 31..255.
        min_area: Smallest number of pixels of a blob.
        max_objects: Largest number of boxes per frame, highest scores first.
        score_threshold: Lowest score to keep.

    Shapes: frames uint8 ``[T, H, W, 3]`` -> :class:`~stgraph.features.detections.Detections` of T frames with
        features ``[N, 0]``; labels are indices in :attr:`label_names`.

    Raises:
        OptionError: If ``min_chroma`` or ``min_area`` is out of range.

    Reference: our own design.

    >>> frames = np.full((1, 32, 32, 3), 90, dtype=np.uint8)
    >>> frames[0, 4:12, 10:20] = (220, 30, 30)
    >>> found = BlobDetector()(frames)
    >>> found.boxes.tolist(), found.labels.tolist()
    ([[10.0, 4.0, 20.0, 12.0]], [0])
    """

    label_names = HUE_NAMES

    def __init__(
        self,
        *,
        min_chroma: int = 56,
        min_area: int = 16,
        max_objects: int = 36,
        score_threshold: float = 0.05,
    ) -> None:
        if not 30 < min_chroma <= 255:
            raise OptionError(f"'min_chroma' must lie in 31..255, got {min_chroma}.")
        if min_area < 1:
            raise OptionError(f"'min_area' must be at least 1 pixel, got {min_area}.")
        self.min_chroma = min_chroma
        self.min_area = min_area
        self.max_objects = max_objects
        self.score_threshold = score_threshold

    def __call__(self, frames: NDArray[np.uint8]) -> Detections:
        """Detects the blobs of each frame."""
        return self.detect(colour_map(frames, self.min_chroma))

    def detect(self, colours: ColourMap) -> Detections:
        """Detects the blobs of frames whose colours have been looked up already."""
        num_frames, (height, width) = len(colours.hue), colours.size
        pixel = np.flatnonzero(colours.hue != NO_HUE)
        hue_of_pixel = colours.hue.ravel()[pixel]
        hues = np.unique(hue_of_pixel)
        # One labelling for all: images are stacked by frame, then by hue, with an empty row between them, so
        # that blobs come out sorted by frame.
        stack = np.zeros((num_frames, len(hues), height + 1, width), dtype=bool)
        np.equal(colours.hue[:, None], hues[:, None, None], out=stack[:, :, :-1])
        blob, count = ndimage.label(stack.reshape(-1, width), structure=np.ones((3, 3)))
        frame, inside = np.divmod(pixel, height * width)
        y, x = np.divmod(inside, width)
        picture = frame * len(hues) + np.searchsorted(hues, hue_of_pixel)
        name = blob[picture * (height + 1) + y, x] - 1
        area = np.bincount(name, minlength=count)
        chroma = np.bincount(name, chroma_of(colours.code.ravel()[pixel]), minlength=count) / area
        x1, y1 = (np.full(count, max(colours.size)) for _ in range(2))
        x2, y2 = (np.zeros(count, dtype=np.int64) for _ in range(2))
        for place, low, high in ((x, x1, x2), (y, y1, y2)):
            np.minimum.at(low, name, place)
            np.maximum.at(high, name, place + 1)
        of_blob = np.zeros((2, count), dtype=np.int64)
        of_blob[:, name] = frame, hue_of_pixel
        kept = np.flatnonzero(area >= self.min_area)
        score = (1 - np.exp(-area[kept] / 50)) * (1 - np.exp(-(chroma[kept] - 30) / 30))
        found = Detections(
            boxes=torch.from_numpy(np.stack([x1, y1, x2, y2], axis=1)[kept]),
            scores=torch.from_numpy(score),
            features=torch.zeros(len(kept), 0),
            frame=torch.from_numpy(of_blob[0, kept]),
            labels=torch.from_numpy(of_blob[1, kept]),
            num_frames=num_frames,
            size=colours.size,
        )
        return found.top(self.max_objects, self.score_threshold)
