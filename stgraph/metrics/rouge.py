"""ROUGE-L, computed for all references of a video at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from pycocoevalcap.rouge.rouge import Rouge

from stgraph.metrics.scores import MetricScores

__all__ = ["RougeL"]


class RougeL:
    r"""pycocoevalcap's ROUGE-L: F-score of the longest common subsequence with the best precision and the best recall.

    .. math:: P = \max_r \frac{\mathrm{lcs}(c, r)}{|c|}, \quad
        R = \max_r \frac{\mathrm{lcs}(c, r)}{|r|}, \quad
        F = \frac{(1 + \beta^2) P R}{R + \beta^2 P}, \quad \beta = 1.2

    Args:
        references: Tokenised references of each video.

    Reference: Lin, ACL workshop 2004; bit-parallel subsequence lengths after Hyyrö, AWOCA 2004.
    """

    def __init__(self, references: Sequence[Sequence[str]]) -> None:
        self._references = [_PackedReferences(group) for group in references]
        self._beta = Rouge().beta

    def __call__(self, captions: Sequence[str]) -> MetricScores:
        """Scores one tokenised caption per video."""
        scores = [self._score(*pair) for pair in zip(captions, self._references, strict=True)]
        return MetricScores({"ROUGE-L": (sum(scores) / len(scores), scores)})

    def _score(self, caption: str, group: _PackedReferences) -> float:
        words = caption.split(" ")
        common = group.common_lengths(words)
        precision = max(common) / len(words)
        recall = max(length / total for length, total in zip(common, group.lengths, strict=True))
        if not precision:
            return 0.0
        return (1 + self._beta**2) * precision * recall / (recall + self._beta**2 * precision)


class _PackedReferences:
    """The references of one video packed into one long integer: one bit per word, and a spare bit after each reference.

    Each bit of ``rows`` that becomes 0 adds a word to the longest common subsequence. An addition carries along a reference
    and stops at its spare bit, so one addition per word serves all references.
    """

    def __init__(self, references: Sequence[str]) -> None:
        self.lengths: list[int] = []
        self._places: list[int] = []
        self._words: dict[str, int] = defaultdict(int)
        place = 0
        for reference in dict.fromkeys(references):  # a maximum: a repeated sentence adds nothing
            words = reference.split(" ")
            for offset, word in enumerate(words):
                self._words[word] |= 1 << (place + offset)
            self._places.append(place)
            self.lengths.append(len(words))
            place += len(words) + 1
        self._full = sum(((1 << n) - 1) << place for n, place in zip(self.lengths, self._places, strict=True))

    def common_lengths(self, caption: list[str]) -> list[int]:
        """Length of the longest common subsequence of ``caption`` with each distinct reference."""
        rows = self._full
        for word in caption:
            matches = rows & self._words.get(word, 0)
            rows = ((rows + matches) | (rows - matches)) & self._full
        found = rows ^ self._full
        return [
            ((found >> place) & ((1 << length) - 1)).bit_count()
            for place, length in zip(self._places, self.lengths, strict=True)
        ]
