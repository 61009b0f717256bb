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
from stgraph.models.stgraph_captioner import STGraphCaptioner, STGraphCaptionerSettings

__all__ = [
    "ExtractorSettings",
    "GraphSettings",
    "ModelDescription",
    "STGraphCaptioner",
    "STGraphCaptionerSettings",
    "load_model",
    "most_frequent_caption",
    "nearest_captions",
    "read_description",
    "save_model",
]
