"""Detections and features of generated videos, computed from their pixels."""

from stgraph.datasets.interactions.pixels.blobs import BlobDetector
from stgraph.datasets.interactions.pixels.colour import HUE_NAMES, NO_HUE, ColourMap, colour_map
from stgraph.datasets.interactions.pixels.descriptors import (
    BoxPatches,
    box_appearance,
    box_geometry,
    box_patches,
    frame_appearance,
    frame_cells,
)
from stgraph.datasets.interactions.pixels.pixel_motion import CLIP_FRAMES, box_motion, clip_motion

__all__ = [
    "CLIP_FRAMES",
    "HUE_NAMES",
    "NO_HUE",
    "BlobDetector",
    "BoxPatches",
    "ColourMap",
    "box_appearance",
    "box_geometry",
    "box_motion",
    "box_patches",
    "clip_motion",
    "colour_map",
    "frame_appearance",
    "frame_cells",
]
