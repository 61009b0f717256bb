"""CIDEr, with the statistics of the references computed once."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from pycocoevalcap.cider.cider_scorer import CiderScorer, precook

from stgraph.metrics.scores import MetricScores

__all__ = ["Cider"]

_Counts = dict[tuple[str, ...], int]


class Cider:
    r"""pycocoevalcap's CIDEr (CIDEr-D: clipped counts, Gaussian length penalty), from 0 to 10.

    .. math:: \frac{10}{4} \sum_{n=1}^{4} \frac{1}{|R|} \sum_{r \in R} e^{-(l_c - l_r)^2 / 2 \sigma^2}
        \frac{\sum_g \min(c_g, r_g) r_g}{\|c\| \|r\|}, \quad
        c_g = \mathrm{count}_c(g) \log \frac{V}{\mathrm{df}(g)}

    over the n-grams g of length n, for :math:`V` videos of which :math:`\mathrm{df}(g)` have g in a reference, and
    :math:`\sigma = 6`. As in pycocoevalcap the lengths l count *bigrams*. A single video scores 0, as every logarithm is 0.

    Args:
        references: Tokenised references of each video.

    Reference: Vedantam et al., CVPR 2015, arXiv 1411.5726.
    """

    def __init__(self, references: Sequence[Sequence[str]]) -> None:
        # Equal references of a video are processed once and weighted by their number.
        groups = [[(precook(text), times) for text, times in Counter(group).items()] for group in references]
        frequency = Counter(
            gram for group in groups for gram in set().union(*(counts for counts, _ in group))
        )
        self._log_videos = math.log(len(references))
        self._idf = {gram: self._log_videos - math.log(times) for gram, times in frequency.items()}
        self._references = [
            [(dict(counts), times, *self._norms(counts)) for counts, times in group] for group in groups
        ]
        self._sigma = CiderScorer().sigma

    def __call__(self, captions: Sequence[str]) -> MetricScores:
        """Scores one tokenised caption per video."""
        scores = [self._score(precook(caption), video) for video, caption in enumerate(captions)]
        return MetricScores({"CIDEr": (sum(scores) / len(scores), scores)})

    def _norms(self, counts: _Counts) -> tuple[list[float], int]:
        """Norm of the weighted counts for each n, and the number of bigrams."""
        squares, bigrams = [0.0] * 4, 0
        for gram, count in counts.items():
            squares[len(gram) - 1] += (count * self._idf.get(gram, self._log_videos)) ** 2
            bigrams += count if len(gram) == 2 else 0
        return [math.sqrt(square) for square in squares], bigrams

    def _score(self, caption: _Counts, video: int) -> float:
        norms, bigrams = self._norms(caption)
        squared_idf = defaultdict(float, {gram: self._idf.get(gram, 0.0) ** 2 for gram in caption})
        total, number = 0.0, 0
        for reference, times, reference_norms, reference_bigrams in self._references[video]:
            products = [0.0] * 4
            for gram in caption.keys() & reference.keys():
                count = reference[gram]
                products[len(gram) - 1] += min(caption[gram], count) * count * squared_idf[gram]
            cosines = sum(
                product / (norm * other)
                for product, norm, other in zip(products, norms, reference_norms, strict=True)
                if product
            )
            total += times * cosines * math.exp(-((bigrams - reference_bigrams) ** 2) / (2 * self._sigma**2))
            number += times
        return 10.0 * total / 4 / number
