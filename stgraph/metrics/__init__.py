"""Scores of captions, as the COCO caption tools define them."""

from stgraph.metrics.evaluator import CaptionEvaluator
from stgraph.metrics.scores import METRICS, CaptionScores

__all__ = ["METRICS", "CaptionEvaluator", "CaptionScores"]
