"""Extraction of features from video files: finding the files, choosing frames, running the extractors, writing a store."""

from stgraph.extraction.engine import extract_videos
from stgraph.extraction.extractor_calls import Failure, Timings
from stgraph.extraction.job import Outcome, extract_to_store
from stgraph.extraction.log import ExtractionLog
from stgraph.extraction.plan import ExtractionPlan, ExtractorChoice, FrameRule, PlannedExtractors
from stgraph.extraction.sources import VideoSource, find_videos, take_shard

__all__ = [
    "ExtractionLog",
    "ExtractionPlan",
    "ExtractorChoice",
    "Failure",
    "FrameRule",
    "Outcome",
    "PlannedExtractors",
    "Timings",
    "VideoSource",
    "extract_to_store",
    "extract_videos",
    "find_videos",
    "take_shard",
]
