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
    from stgraph.datasets.drawn_splits import draw_splits
    from stgraph.datasets.graph_source import GraphSource, graphs_of
    from stgraph.datasets.msrvtt import read_msrvtt_captions
    from stgraph.datasets.msvd import read_msvd_captions
    from stgraph.datasets.named import open_dataset
    from stgraph.datasets.own_captions import OwnCaptions, read_own_captions
    from stgraph.datasets.pairing import pair_batches
    from stgraph.datasets.stored_dataset import StoredDataset
    from stgraph.datasets.summary import CorpusSummary, SplitSummary, corpus_summary

__all__ = [
    "CaptionBatch",
    "CaptionCorpus",
    "CaptionDataModule",
    "CorpusSummary",
    "GraphSource",
    "OwnCaptions",
    "SplitSummary",
    "StoredDataset",
    "VideoCaptions",
    "corpus_summary",
    "draw_splits",
    "graphs_of",
    "open_dataset",
    "pair_batches",
    "read_msrvtt_captions",
    "read_msvd_captions",
    "read_own_captions",
]

_MODULES = {
    "caption_batch": ("CaptionBatch",),
    "captions": ("CaptionCorpus", "VideoCaptions"),
    "data_module": ("CaptionDataModule",),
    "drawn_splits": ("draw_splits",),
    "graph_source": ("GraphSource", "graphs_of"),
    "msrvtt": ("read_msrvtt_captions",),
    "msvd": ("read_msvd_captions",),
    "named": ("open_dataset",),
    "own_captions": ("OwnCaptions", "read_own_captions"),
    "pairing": ("pair_batches",),
    "stored_dataset": ("StoredDataset",),
    "summary": ("CorpusSummary", "SplitSummary", "corpus_summary"),
}
__getattr__, __dir__ = lazy_exports(
    __name__, {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}
)
