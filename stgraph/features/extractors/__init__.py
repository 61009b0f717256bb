"""Extractors: what sees a video's frames and says what is in them."""

from stgraph.features.extractors.blobs import BlobDetector
from stgraph.features.extractors.colour import HUE_NAMES, NO_HUE, ColourMap, colour_map
from stgraph.features.extractors.descriptors import (
    BoxPatches,
    box_appearance,
    box_geometry,
    box_patches,
    frame_appearance,
)
from stgraph.features.extractors.pixel_motion import CLIP_FRAMES, box_motion, clip_motion
from stgraph.features.extractors.protocol import Extractor, FrameObjects, NetworkExtractor
from stgraph.features.extractors.registry import find_extractor, make_extractor

__all__ = [
    "CLIP_FRAMES",
    "HUE_NAMES",
    "NO_HUE",
    "BlobDetector",
    "BoxPatches",
    "ColourMap",
    "Extractor",
    "FrameObjects",
    "NetworkExtractor",
    "box_appearance",
    "box_geometry",
    "box_motion",
    "box_patches",
    "clip_motion",
    "colour_map",
    "find_extractor",
    "frame_appearance",
    "make_extractor",
]
