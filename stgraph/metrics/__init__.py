"""Caption metrics as the COCO tools define them, scores of classifications, bootstrap intervals, rewards, word counts.

Names are imported when first used: ``stgraph doctor`` looks for Java in an installation whose PyG may be broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stgraph.lazy import lazy_exports

if TYPE_CHECKING:
    from stgraph.metrics.bootstrap import (
        Interval,
        PairedDifference,
        bootstrap_intervals,
        paired_bootstrap,
    )
    from stgraph.metrics.classification import (
        CLASSIFICATION_METRICS,
        Predictions,
        average_precision,
        macro_f1,
        roc_auc,
    )
    from stgraph.metrics.evaluation import Evaluation
    from stgraph.metrics.evaluator import CaptionEvaluator
    from stgraph.metrics.rewards import CaptionReward
    from stgraph.metrics.scores import METRICS, CaptionScores
    from stgraph.metrics.word_counts import WordCounts, count_words

__all__ = [
    "CLASSIFICATION_METRICS",
    "METRICS",
    "CaptionEvaluator",
    "CaptionReward",
    "CaptionScores",
    "Evaluation",
    "Interval",
    "PairedDifference",
    "Predictions",
    "WordCounts",
    "average_precision",
    "bootstrap_intervals",
    "count_words",
    "macro_f1",
    "paired_bootstrap",
    "roc_auc",
]

_MODULES = {
    "bootstrap": ("Interval", "PairedDifference", "bootstrap_intervals", "paired_bootstrap"),
    "classification": (
        "CLASSIFICATION_METRICS",
        "Predictions",
        "average_precision",
        "macro_f1",
        "roc_auc",
    ),
    "evaluation": ("Evaluation",),
    "evaluator": ("CaptionEvaluator",),
    "rewards": ("CaptionReward",),
    "scores": ("METRICS", "CaptionScores"),
    "word_counts": ("WordCounts", "count_words"),
}
__getattr__, __dir__ = lazy_exports(
    __name__, {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}
)
