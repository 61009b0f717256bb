"""Scores of captions, as the COCO caption tools define them."""

from stgraph.metrics.bootstrap import (
    Interval,
    PairedDifference,
    bootstrap_intervals,
    paired_bootstrap,
)
from stgraph.metrics.evaluator import CaptionEvaluator
from stgraph.metrics.scores import METRICS, CaptionScores

__all__ = [
    "METRICS",
    "CaptionEvaluator",
    "CaptionScores",
    "Interval",
    "PairedDifference",
    "bootstrap_intervals",
    "paired_bootstrap",
]
