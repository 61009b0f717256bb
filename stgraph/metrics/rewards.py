"""Rewards for training: a weighted sum of caption metrics, fast enough to compute at every training step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice

from pycocoevalcap.cider.cider_scorer import precook

from stgraph.checking import checked
from stgraph.errors import DataError, OptionError, UnknownVideoError
from stgraph.metrics.bleu import Bleu
from stgraph.metrics.cider import Cider
from stgraph.metrics.evaluator import CaptionEvaluator
from stgraph.metrics.meteor import Meteor
from stgraph.metrics.ptb import tokenize
from stgraph.metrics.rouge import RougeL
from stgraph.metrics.scores import METRICS, MetricScores

__all__ = ["PUBLISHED_WEIGHTS", "CaptionReward"]

PUBLISHED_WEIGHTS = {"METEOR": 1.0, "BLEU-4": 1.0}
"""The rewards of STaTS; the paper doesn't give their weights."""

CACHE_SIZE = 50_000  # cached scores of captions, about 20 MB

_Score = Callable[
    [Sequence[str], Sequence[int]], MetricScores
]  # captions, position of each one's video -> scores


@checked
class CaptionReward:
    r"""Weighted sum of the scores of a caption against its video's references.

    .. math:: r(c, v) = \sum_m \lambda_m\, \mathrm{score}_m(c, R_v)

    Each score equals the caption's ``per_video`` score in ``CaptionEvaluator(references)``. In particular BLEU is not
    smoothed: without a common 4-gram, BLEU-4 is about 1e-4, where a smoothed BLEU would still distinguish captions.

    The first call tokenises the references, counts their n-grams and fixes CIDEr's document frequencies over all of their
    videos. Captions consist of words of the model's vocabulary, so each word is tokenised once, not at every occurrence.
    METEOR's long-lived program receives all captions of a call at once, except those whose scores are cached.

    A missing end-of-sentence token doesn't change the reward; an empty caption gets 0.

    Args:
        references: Sentences by video id, as for the evaluator.
        weights: Weight :math:`\lambda` by metric; CIDEr ranges from 0 to 10, the other metrics from 0 to 1.
        words: The model's vocabulary, which is tokenised with the references; other words are tokenised on demand.

    Raises:
        OptionError: If a metric is unknown, none is given, or a weight is not a finite number.
        DataError: If a video has no references, or a reference has no words (at the first call).
        JavaError: If Java is missing or crashed twice (at a call).

    Reference: Cherian et al., WACV 2020 (METEOR + BLEU-4); Rennie et al., CVPR 2017 (CIDEr).

    >>> reward = CaptionReward({"cat": ["a cat sleeps"], "dog": ["a dog runs", "the dog runs"]}, {"ROUGE-L": 2.0})
    >>> reward(["a dog runs", "a dog runs", ""], ["dog", "cat", "dog"])
    [2.0, 0.6666666666666666, 0.0]
    """

    def __init__(
        self,
        references: Mapping[str, Sequence[str]],
        weights: Mapping[str, float] = PUBLISHED_WEIGHTS,
        words: Iterable[str] = (),
    ) -> None:
        unknown = [metric for metric in weights if metric not in METRICS]
        if unknown or not weights:
            raise OptionError(
                f"'weights' must have keys among {', '.join(METRICS)}, got {unknown or 'none'}."
            )
        for metric, weight in weights.items():
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not math.isfinite(weight):
                raise OptionError(f"'weights' of {metric} must be a finite number, got {weight!r}.")
        CaptionEvaluator(references)  # checks the references; it starts nothing
        self.weights = dict(weights)
        self._references = {video: list(sentences) for video, sentences in references.items()}
        self._positions = {video: position for position, video in enumerate(self._references)}
        self._words = tuple(words)
        self._tokens: dict[str, str] = {}  # tokenised form of each word
        self._cache: dict[tuple[int, str], list[float]] = {}  # scores by video and tokenised caption

    def __call__(self, captions: Sequence[str], video_ids: Sequence[str]) -> list[float]:
        """Returns the reward of each caption; a video may appear several times.

        Raises:
            UnknownVideoError: If a video has no references.
            DataError: If the numbers of captions and videos differ.
            JavaError: If Java is missing or crashed twice.
        """
        scores = self.scores(captions, video_ids)
        columns = zip(*scores.values(), strict=True)
        return [math.fsum(map(float.__mul__, self._factors, column)) for column in columns]

    def scores(self, captions: Sequence[str], video_ids: Sequence[str]) -> dict[str, list[float]]:
        """Returns the unweighted scores of each caption, by metric.

        Raises:
            UnknownVideoError: If a video has no references.
            DataError: If the numbers of captions and videos differ.
            JavaError: If Java is missing or crashed twice.
        """
        if isinstance(captions, str) or len(captions) != len(video_ids):
            raise DataError(
                f"'captions' must be a list with one string for each of {len(video_ids)} 'video_ids', got "
                f"{'one string' if isinstance(captions, str) else len(captions)}."
            )
        unknown = [video for video in video_ids if video not in self._positions]
        if unknown:
            raise UnknownVideoError(
                f"No references of {len(unknown)} of {len(video_ids)} videos (first '{unknown[0]}'); pass the "
                "references of all videos when creating the reward."
            )
        requested = [
            (self._positions[video], caption)
            for video, caption in zip(video_ids, self._tokenised(captions), strict=True)
        ]
        if len(self._cache) > CACHE_SIZE:
            self._cache.clear()
        new = [pair for pair in dict.fromkeys(requested) if pair not in self._cache]
        if new:
            self._cache.update(zip(new, self._score(new), strict=True))
        table = [self._cache[pair] for pair in requested]
        return {metric: [row[column] for row in table] for column, metric in enumerate(self.weights)}

    @property
    def _factors(self) -> list[float]:
        return [float(weight) for weight in self.weights.values()]

    def _tokenised(self, captions: Sequence[str]) -> list[str]:
        """Tokenises captions like the evaluator, word by word."""
        rows = [caption.split() for caption in captions]
        words = {word for row in rows for word in row}
        if not self._tokens:
            words.update(self._words)
        new = sorted(words - self._tokens.keys())
        self._tokens.update(zip(new, tokenize(new), strict=True))
        return [" ".join(filter(None, (self._tokens[word] for word in row))) for row in rows]

    def _score(self, pairs: Sequence[tuple[int, str]]) -> list[list[float]]:
        captions, videos = [caption for _, caption in pairs], [video for video, _ in pairs]
        found: dict[str, list[float]] = {}
        for score in self._scorers:
            found.update({metric: each for metric, (_, each) in score(captions, videos).items()})
        return [
            list(map(float, row)) for row in zip(*(found[metric] for metric in self.weights), strict=True)
        ]

    @cached_property
    def _scorers(self) -> list[_Score]:
        tokens = iter(tokenize([sentence for group in self._references.values() for sentence in group]))
        groups = [list(islice(tokens, len(group))) for group in self._references.values()]
        for video, group in zip(self._references, groups, strict=True):
            if "" in group:
                empty = self._references[video][group.index("")]
                raise DataError(
                    f"'references' of '{video}' must be sentences with words, got {empty!r}; drop this one."
                )
        makers: dict[str, Callable[[list[list[str]]], _Score]] = {
            "METEOR": _meteor,
            "BLEU": _bleu,
            "ROUGE-L": _rouge,
            "CIDEr": _cider,
        }
        wanted = {"BLEU" if metric.startswith("BLEU") else metric for metric in self.weights}
        return [make(groups) for name, make in makers.items() if name in wanted]


def _meteor(groups: list[list[str]]) -> _Score:
    """Scores many captions in one exchange; building the requests costs little compared with the program."""
    return lambda captions, videos: Meteor([groups[video] for video in videos])(captions)


def _bleu(groups: list[list[str]]) -> _Score:
    return _per_video([Bleu([group]) for group in groups])


def _rouge(groups: list[list[str]]) -> _Score:
    return _per_video([RougeL([group]) for group in groups])


def _cider(groups: list[list[str]]) -> _Score:
    return _CiderOfPairs(groups).score


def _per_video(scorers: Sequence[Bleu] | Sequence[RougeL]) -> _Score:
    """Scores each caption with the scorer of its video, for metrics in which videos are independent."""

    def score(captions: Sequence[str], videos: Sequence[int]) -> MetricScores:
        rows = [scorers[video]([caption]) for caption, video in zip(captions, videos, strict=True)]
        return MetricScores({metric: (math.nan, [row[metric][1][0] for row in rows]) for metric in rows[0]})

    return score


class _CiderOfPairs(Cider):
    """CIDEr of any captions with the document frequencies of all videos."""

    def score(self, captions: Sequence[str], videos: Sequence[int]) -> MetricScores:
        pairs = zip(captions, videos, strict=True)
        return MetricScores(
            {"CIDEr": (math.nan, [self._score(precook(text), video) for text, video in pairs])}
        )
