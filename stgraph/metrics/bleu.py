"""BLEU-1 to BLEU-4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocoevalcap.bleu.bleu_scorer import BleuScorer, cook_refs, cook_test

from stgraph.metrics.scores import MetricScores

__all__ = ["Bleu", "bleu_of_sums"]


class Bleu:
    """pycocoevalcap's BLEU with the closest reference length; n-grams of the references are counted once.

    Args:
        references: Tokenised references of each video.

    Reference: Papineni et al., ACL 2002.
    """

    def __init__(self, references: Sequence[Sequence[str]]) -> None:
        # Counts are maxima over references, so repeated sentences change nothing.
        self._references = [cook_refs(dict.fromkeys(group)) for group in references]

    def __call__(self, captions: Sequence[str]) -> MetricScores:
        """Scores one tokenised caption per video."""
        scorer = BleuScorer(n=4)
        scorer.ctest = [cook_test(*pair) for pair in zip(captions, self._references, strict=True)]
        corpus, per_video = scorer.compute_score(option="closest", verbose=0)
        scores = {f"BLEU-{n}": (corpus[n - 1], per_video[n - 1]) for n in (1, 2, 3, 4)}
        return MetricScores(scores, {"BLEU": [_statistics(counts) for counts in scorer.ctest]})


def bleu_of_sums(sums: np.ndarray, order: int) -> np.ndarray:
    r"""BLEU of sets of captions from their summed statistics.

    .. math:: e^{\min(0, 1 - r / c)} \Big(\prod_{n=1}^{N} \frac{m_n}{t_n}\Big)^{1 / N}

    Args:
        sums: Numbers of matching n-grams :math:`m_n` and of all n-grams :math:`t_n` for n = 1 to 4, length c of the
            captions and length r of their closest references.
        order: Largest n-gram length N.

    Shapes: sums ``[..., 10]`` -> ``[...]``.
    """
    tiny, small = 1e-15, 1e-9  # constants of pycocoevalcap, which make 0 / 0 equal 0
    precisions = (sums[..., :order] + tiny) / (sums[..., 4 : 4 + order] + small)
    ratio = (sums[..., 8] + tiny) / (sums[..., 9] + small)
    brevity = np.where(ratio < 1, np.exp(1 - 1 / np.minimum(ratio, 1)), 1.0)
    return precisions.prod(axis=-1) ** (1 / order) * brevity


def _statistics(counts: dict[str, Any]) -> list[float]:
    length = counts["testlen"]
    closest = min(counts["reflen"], key=lambda other: (abs(other - length), other))
    return [*counts["correct"], *counts["guess"], length, closest]
