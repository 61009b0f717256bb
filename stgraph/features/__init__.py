"""What a detector and an extractor say about a video, in memory and in HDF5 stores."""

from stgraph.features.detections import Detections

__all__ = ["Detections"]
