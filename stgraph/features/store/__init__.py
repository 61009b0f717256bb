"""The packed HDF5 store of what extractors make of videos."""

from stgraph.features.store.reader import FeatureStore
from stgraph.features.store.records import ExtractorRecord
from stgraph.features.store.writer import FeatureStoreWriter

__all__ = ["ExtractorRecord", "FeatureStore", "FeatureStoreWriter"]
