"""Detections and features of videos, in memory and in HDF5 stores."""

from stgraph.features.detections import Detections
from stgraph.features.store import ExtractorRecord, FeatureStore, FeatureStoreWriter
from stgraph.features.video_features import GridFeatures, VideoFeatures

__all__ = [
    "Detections",
    "ExtractorRecord",
    "FeatureStore",
    "FeatureStoreWriter",
    "GridFeatures",
    "VideoFeatures",
]
