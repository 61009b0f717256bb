"""Extractors of objects: boxes of frames, and a vector for each."""

from stgraph.extraction.extractors.objects.faster_rcnn import FasterRCNN
from stgraph.extraction.extractors.objects.own_detector import OwnDetector, wrap_detector
from stgraph.extraction.extractors.objects.roi_features import roi_features
from stgraph.extraction.extractors.objects.visual_genome import VisualGenomeFasterRCNN

__all__ = ["FasterRCNN", "OwnDetector", "VisualGenomeFasterRCNN", "roi_features", "wrap_detector"]
