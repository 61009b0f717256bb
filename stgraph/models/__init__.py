"""The systems, the baselines beside them, and model folders."""

from stgraph.models.baselines import most_frequent_caption, nearest_captions
from stgraph.models.folder import (
    ExtractorSettings,
    GraphSettings,
    ModelDescription,
    load_model,
    read_description,
    save_model,
)
from stgraph.models.recurrent_captioner import RecurrentCaptioner
from stgraph.models.stat_captioner import STATCaptioner, STATCaptionerSettings
from stgraph.models.stats_captioner import STaTSCaptioner, STaTSCaptionerSettings
from stgraph.models.stgraph_captioner import STGraphCaptioner, STGraphCaptionerSettings

__all__ = [
    "ExtractorSettings",
    "GraphSettings",
    "ModelDescription",
    "RecurrentCaptioner",
    "STATCaptioner",
    "STATCaptionerSettings",
    "STGraphCaptioner",
    "STGraphCaptionerSettings",
    "STaTSCaptioner",
    "STaTSCaptionerSettings",
    "load_model",
    "most_frequent_caption",
    "nearest_captions",
    "read_description",
    "save_model",
]
