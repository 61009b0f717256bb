"""Extractors of objects: the boxes of each frame, with a feature vector per box."""

from stgraph.extraction.extractors.objects.custom_detector import CustomDetector, wrap_detector
from stgraph.extraction.extractors.objects.faster_rcnn import FasterRCNN
from stgraph.extraction.extractors.objects.roi_features import roi_features
from stgraph.extraction.extractors.objects.visual_genome import VisualGenomeFasterRCNN

__all__ = ["CustomDetector", "FasterRCNN", "VisualGenomeFasterRCNN", "roi_features", "wrap_detector"]
