"""Captioning models and classifiers: their base classes, the three systems, the registry, model folders, and baselines."""

from stgraph.models.arguments import ArgumentError
from stgraph.models.attention_shares import AttentionShares
from stgraph.models.baselines import most_frequent_caption, nearest_captions
from stgraph.models.captioning_model import CaptioningModel, DataSizes
from stgraph.models.captions import Caption, captions_of
from stgraph.models.classifier import ClassificationSizes, Classifier
from stgraph.models.classifiers import GraphClassifier, RelationClassifier, TrackClassifier
from stgraph.models.model_folder import (
    ClassifierConfig,
    DataSummary,
    ExtractorConfig,
    ModelConfig,
    load_model,
    read_model_config,
    save_model,
)
from stgraph.models.recurrent_captioner import RecurrentCaptioner
from stgraph.models.registry import find_model, model_names, register_model
from stgraph.models.stat_captioner import STATCaptioner
from stgraph.models.stats_captioner import STaTSCaptioner
from stgraph.models.stgraph_captioner import STGraphCaptioner
from stgraph.models.video_model import VideoModel

__all__ = [
    "ArgumentError",
    "AttentionShares",
    "Caption",
    "CaptioningModel",
    "ClassificationSizes",
    "Classifier",
    "ClassifierConfig",
    "DataSizes",
    "DataSummary",
    "ExtractorConfig",
    "GraphClassifier",
    "ModelConfig",
    "RecurrentCaptioner",
    "RelationClassifier",
    "STATCaptioner",
    "STGraphCaptioner",
    "STaTSCaptioner",
    "TrackClassifier",
    "VideoModel",
    "captions_of",
    "find_model",
    "load_model",
    "model_names",
    "most_frequent_caption",
    "nearest_captions",
    "read_model_config",
    "register_model",
    "save_model",
]
