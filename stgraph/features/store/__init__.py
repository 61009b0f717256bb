"""The packed HDF5 store of extracted video features."""

from stgraph.features.store.info import StoreInfo, info
from stgraph.features.store.merge import merge
from stgraph.features.store.problem import Problem
from stgraph.features.store.provenance import ExtractorRecord
from stgraph.features.store.reader import FeatureStore
from stgraph.features.store.validate import validate
from stgraph.features.store.writer import FeatureStoreWriter

__all__ = [
    "ExtractorRecord",
    "FeatureStore",
    "FeatureStoreWriter",
    "Problem",
    "StoreInfo",
    "info",
    "merge",
    "validate",
]
