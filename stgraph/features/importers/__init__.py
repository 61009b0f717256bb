"""Readers of layouts in which people already have detections and features."""

from stgraph.features.importers.detections_json import read_detections_folder

__all__ = ["read_detections_folder"]
