"""Extractors: models that turn frames or clips into feature vectors, grids of cells, or objects."""

from stgraph.extraction.extractors.protocol import Extractor, FrameObjects, NetworkExtractor
from stgraph.extraction.extractors.registry import find_extractor, make_extractor
from stgraph.extraction.extractors.weights import load_network

__all__ = [
    "Extractor",
    "FrameObjects",
    "NetworkExtractor",
    "find_extractor",
    "load_network",
    "make_extractor",
]
