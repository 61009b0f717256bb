"""Extractors of objects: boxes of frames, and a vector for each."""

from stgraph.features.extractors.objects.faster_rcnn import FasterRCNN
from stgraph.features.extractors.objects.own_detector import OwnDetector, wrap_detector
from stgraph.features.extractors.objects.roi_features import roi_features
from stgraph.features.extractors.objects.visual_genome import VisualGenomeFasterRCNN

__all__ = ["FasterRCNN", "OwnDetector", "VisualGenomeFasterRCNN", "roi_features", "wrap_detector"]
