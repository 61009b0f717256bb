"""BLEU-1 to BLEU-4."""

from __future__ import annotations

from collections.abc import Sequence

from pycocoevalcap.bleu.bleu_scorer import BleuScorer, cook_refs, cook_test

from stgraph.metrics.scores import MetricScores

__all__ = ["Bleu"]


class Bleu:
    """pycocoevalcap's BLEU with the length of the closest reference; counts the references' n-grams once.

    Args:
        references: Tokenised references of each video.
    Reference: Papineni et al., ACL 2002.
    """

    def __init__(self, references: Sequence[Sequence[str]]) -> None:
        # The counts are maxima over references, so a repeated sentence adds nothing.
        self._references = [cook_refs(dict.fromkeys(group)) for group in references]

    def __call__(self, captions: Sequence[str]) -> MetricScores:
        """Scores one tokenised caption a video."""
        scorer = BleuScorer(n=4)
        scorer.ctest = [cook_test(*pair) for pair in zip(captions, self._references, strict=True)]
        corpus, per_video = scorer.compute_score(option="closest", verbose=0)
        return {f"BLEU-{n}": (corpus[n - 1], per_video[n - 1]) for n in (1, 2, 3, 4)}
