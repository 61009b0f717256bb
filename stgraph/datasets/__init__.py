"""Data sets as stgraph reads them: a feature store, captions and splits in one folder."""

from stgraph.datasets.caption_batch import CaptionBatch
from stgraph.datasets.captions import CaptionCorpus, VideoCaptions
from stgraph.datasets.data_module import CaptionDataModule
from stgraph.datasets.graph_source import GraphSource, graphs_of
from stgraph.datasets.pair_batches import pair_batches
from stgraph.datasets.stored_dataset import StoredDataset, open_dataset

__all__ = [
    "CaptionBatch",
    "CaptionCorpus",
    "CaptionDataModule",
    "GraphSource",
    "StoredDataset",
    "VideoCaptions",
    "graphs_of",
    "open_dataset",
    "pair_batches",
]
