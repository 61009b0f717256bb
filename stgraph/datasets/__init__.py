"""Data sets as stgraph reads them: a feature store, captions and splits in one folder.

Names are imported when first used: the processes that generate ``interactions`` need no Lightning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stgraph.lazy import lazy_exports

if TYPE_CHECKING:
    from stgraph.datasets.corpus.captions import CaptionCorpus, VideoCaptions
    from stgraph.datasets.corpus.drawn_splits import draw_splits
    from stgraph.datasets.corpus.msrvtt import read_msrvtt_captions
    from stgraph.datasets.corpus.msrvtt1000 import read_msrvtt1000_captions
    from stgraph.datasets.corpus.msvd import read_msvd_captions
    from stgraph.datasets.corpus.own_captions import OwnCaptions, read_own_captions
    from stgraph.datasets.corpus.summary import CorpusSummary, SplitSummary, corpus_summary
    from stgraph.datasets.graph_dataset import VideoGraphDataset
    from stgraph.datasets.loading.batch_order import pair_batches
    from stgraph.datasets.loading.caption_batch import CaptionBatch, CaptionCollator
    from stgraph.datasets.loading.classification_data import ClassificationBatch, ClassificationDataModule
    from stgraph.datasets.loading.data_module import CaptionDataModule
    from stgraph.datasets.loading.graph_source import GraphList, GraphSource, StoredGraphs
    from stgraph.datasets.registry import open_dataset
    from stgraph.datasets.stored_dataset import StoredDataset

__all__ = [
    "CaptionBatch",
    "CaptionCollator",
    "CaptionCorpus",
    "CaptionDataModule",
    "ClassificationBatch",
    "ClassificationDataModule",
    "CorpusSummary",
    "GraphList",
    "GraphSource",
    "OwnCaptions",
    "SplitSummary",
    "StoredDataset",
    "StoredGraphs",
    "VideoCaptions",
    "VideoGraphDataset",
    "corpus_summary",
    "draw_splits",
    "open_dataset",
    "pair_batches",
    "read_msrvtt1000_captions",
    "read_msrvtt_captions",
    "read_msvd_captions",
    "read_own_captions",
]

_MODULES = {
    "corpus.captions": ("CaptionCorpus", "VideoCaptions"),
    "corpus.drawn_splits": ("draw_splits",),
    "corpus.msrvtt": ("read_msrvtt_captions",),
    "corpus.msrvtt1000": ("read_msrvtt1000_captions",),
    "corpus.msvd": ("read_msvd_captions",),
    "corpus.own_captions": ("OwnCaptions", "read_own_captions"),
    "corpus.summary": ("CorpusSummary", "SplitSummary", "corpus_summary"),
    "graph_dataset": ("VideoGraphDataset",),
    "loading.batch_order": ("pair_batches",),
    "loading.caption_batch": ("CaptionBatch", "CaptionCollator"),
    "loading.classification_data": ("ClassificationBatch", "ClassificationDataModule"),
    "loading.data_module": ("CaptionDataModule",),
    "loading.graph_source": ("GraphList", "GraphSource", "StoredGraphs"),
    "registry": ("open_dataset",),
    "stored_dataset": ("StoredDataset",),
}
__getattr__, __dir__ = lazy_exports(
    __name__, {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}
)
