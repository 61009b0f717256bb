"""Caption metrics as the COCO caption tools define them, bootstrap intervals, rewards and word counts."""

from stgraph.metrics.bootstrap import (
    Interval,
    PairedDifference,
    bootstrap_intervals,
    paired_bootstrap,
)
from stgraph.metrics.evaluation import Evaluation
from stgraph.metrics.evaluator import CaptionEvaluator
from stgraph.metrics.rewards import CaptionReward
from stgraph.metrics.scores import METRICS, CaptionScores
from stgraph.metrics.word_counts import WordCounts, count_words

__all__ = [
    "METRICS",
    "CaptionEvaluator",
    "CaptionReward",
    "CaptionScores",
    "Evaluation",
    "Interval",
    "PairedDifference",
    "WordCounts",
    "bootstrap_intervals",
    "count_words",
    "paired_bootstrap",
]
