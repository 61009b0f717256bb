"""Data sets as stgraph reads them: a feature store, captions and splits in one folder.

Names are imported when first used: the processes that generate ``interactions`` need no Lightning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stgraph.lazy import lazy_exports

if TYPE_CHECKING:
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

_MODULES = {
    "caption_batch": ("CaptionBatch",),
    "captions": ("CaptionCorpus", "VideoCaptions"),
    "data_module": ("CaptionDataModule",),
    "graph_source": ("GraphSource", "graphs_of"),
    "pair_batches": ("pair_batches",),
    "stored_dataset": ("StoredDataset", "open_dataset"),
}
__getattr__, __dir__ = lazy_exports(
    __name__, {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}
)
