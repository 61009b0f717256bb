"""The systems, the baselines beside them, and model folders."""

from stgraph.graph.config import GraphConfig
from stgraph.models.baselines import most_frequent_caption, nearest_captions
from stgraph.models.model_folder import (
    ExtractorConfig,
    ModelConfig,
    load_model,
    read_description,
    save_model,
)
from stgraph.models.recurrent_captioner import RecurrentCaptioner
from stgraph.models.stat_captioner import STATCaptioner, STATCaptionerConfig
from stgraph.models.stats_captioner import STaTSCaptioner, STaTSCaptionerConfig
from stgraph.models.stgraph_captioner import STGraphCaptioner, STGraphCaptionerConfig

__all__ = [
    "ExtractorConfig",
    "GraphConfig",
    "ModelConfig",
    "RecurrentCaptioner",
    "STATCaptioner",
    "STATCaptionerConfig",
    "STGraphCaptioner",
    "STGraphCaptionerConfig",
    "STaTSCaptioner",
    "STaTSCaptionerConfig",
    "load_model",
    "most_frequent_caption",
    "nearest_captions",
    "read_description",
    "save_model",
]
