"""Extractors: what sees a video's frames and says what is in them."""

from stgraph.extraction.extractors.protocol import Extractor, FrameObjects, NetworkExtractor
from stgraph.extraction.extractors.registry import find_extractor, make_extractor

__all__ = [
    "Extractor",
    "FrameObjects",
    "NetworkExtractor",
    "find_extractor",
    "make_extractor",
]
