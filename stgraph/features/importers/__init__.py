"""Readers of common file layouts for detections and features that were extracted elsewhere."""

from stgraph.features.importers.aligned_streams import JoinedStreams
from stgraph.features.importers.detections_json import read_detections_folder
from stgraph.features.importers.hdf5_per_video import read_hdf5_per_video
from stgraph.features.importers.keyed_hdf5 import read_keyed_hdf5
from stgraph.features.importers.npy_folders import read_npy_folders

__all__ = [
    "JoinedStreams",
    "read_detections_folder",
    "read_hdf5_per_video",
    "read_keyed_hdf5",
    "read_npy_folders",
]
