"""What a caption is worth: a weighted sum of the evaluator's scores of it, at the price of a training step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import islice

from pycocoevalcap.cider.cider_scorer import precook

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
"""The rewards of STaTS; how they are weighed it does not say."""

KEPT = 50_000  # scored captions that are remembered: 20 MB or so

_Score = Callable[[Sequence[str], Sequence[int]], MetricScores]  # of captions, each of a video by position


class CaptionReward:
    r"""The weighted sum of scores of one caption against its video's references.

    .. math:: r(c, v) = \sum_m \lambda_m\, \mathrm{score}_m(c, R_v)

    Each score is what ``CaptionEvaluator(references)`` says in ``per_video`` for that caption; so BLEU of a caption is not
    smoothed: without a common 4-gram BLEU-4 is 1e-4 or so, where a smoothed one would still tell captions apart.

    The references are prepared at the first call: tokenised, their n-grams counted, and CIDEr's document frequencies taken
    over all of their videos, which then stay. Captions are rows of the model's vocabulary, so a word is tokenised once, not
    each time it is said; METEOR gets all captions of a call at once, in its long-lived program, and only those that were
    not scored lately.

    A caption without its end mark is worth what its words are worth, an empty one 0.

    Args:
        references: Sentences by video id, as the evaluator takes them.
        weights: :math:`\lambda` by name of the metric; CIDEr is unscaled (0 to 10), the others are fractions of 1.
        words: The model's vocabulary, to be tokenised with the references; other words are when they come.

    Raises:
        OptionError: An unknown metric, none, or a weight that is no finite number.
        DataError: A video without references, or a reference without words (at the first call).
        JavaError: Java is missing, or died twice (at a call).
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
            raise OptionError(f"'weights' must be by {', '.join(METRICS)}, got {unknown or 'none'}.")
        for metric, weight in weights.items():
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not math.isfinite(weight):
                raise OptionError(f"'weights' of {metric} must be a finite number, got {weight!r}.")
        CaptionEvaluator(references)  # says what is wrong with references; it starts nothing
        self.weights = dict(weights)
        self._references = {video: list(sentences) for video, sentences in references.items()}
        self._positions = {video: position for position, video in enumerate(self._references)}
        self._words = tuple(words)
        self._tokens: dict[str, str] = {}  # of words
        self._known: dict[tuple[int, str], list[float]] = {}  # scores by video and tokenised caption

    def __call__(self, captions: Sequence[str], video_ids: Sequence[str]) -> list[float]:
        """The reward of each caption; a video may come several times.

        Raises: UnknownVideoError: A video without references here. DataError: Not one video a caption.
        """
        scores = self.scores(captions, video_ids)
        columns = zip(*scores.values(), strict=True)
        return [math.fsum(map(float.__mul__, self._factors, column)) for column in columns]

    def scores(self, captions: Sequence[str], video_ids: Sequence[str]) -> dict[str, list[float]]:
        """The scores behind the rewards, by metric.

        Raises: As a call.
        """
        if isinstance(captions, str) or len(captions) != len(video_ids):
            raise DataError(
                f"'captions' must be a list of one text for each of {len(video_ids)} 'video_ids', got "
                f"{'one text' if isinstance(captions, str) else len(captions)}."
            )
        unknown = [video for video in video_ids if video not in self._positions]
        if unknown:
            raise UnknownVideoError(
                f"No references of {len(unknown)} of {len(video_ids)} videos (first '{unknown[0]}'); rewards are "
                "for videos whose references they were made with."
            )
        asked = [
            (self._positions[video], caption)
            for video, caption in zip(video_ids, self._tokenised(captions), strict=True)
        ]
        if len(self._known) > KEPT:
            self._known.clear()
        new = [pair for pair in dict.fromkeys(asked) if pair not in self._known]
        if new:
            self._known.update(zip(new, self._score(new), strict=True))
        table = [self._known[pair] for pair in asked]
        return {metric: [row[column] for row in table] for column, metric in enumerate(self.weights)}

    @property
    def _factors(self) -> list[float]:
        return [float(weight) for weight in self.weights.values()]

    def _tokenised(self, captions: Sequence[str]) -> list[str]:
        """What the evaluator's tokeniser makes of captions, word by word."""
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
                    f"'references' of '{video}' must be sentences of words, got {empty!r}; drop this one."
                )
        makers: dict[str, Callable[[list[list[str]]], _Score]] = {
            "METEOR": _meteor,
            "BLEU": lambda groups: _each([Bleu([group]) for group in groups]),
            "ROUGE-L": lambda groups: _each([RougeL([group]) for group in groups]),
            "CIDEr": lambda groups: _CiderOfPairs(groups).score,
        }
        wanted = {"BLEU" if metric.startswith("BLEU") else metric for metric in self.weights}
        return [make(groups) for name, make in makers.items() if name in wanted]


def _meteor(groups: list[list[str]]) -> _Score:
    # One exchange for many captions; its questions are strings, which cost nothing beside the program's answers.
    return lambda captions, videos: Meteor([groups[video] for video in videos])(captions)


def _each(scorers: Sequence[Bleu] | Sequence[RougeL]) -> _Score:
    """A scorer of one video each: these look at no other video."""

    def score(captions: Sequence[str], videos: Sequence[int]) -> MetricScores:
        rows = [scorers[video]([caption]) for caption, video in zip(captions, videos, strict=True)]
        return MetricScores({metric: (math.nan, [row[metric][1][0] for row in rows]) for metric in rows[0]})

    return score


class _CiderOfPairs(Cider):
    """CIDEr of any captions, by the document frequencies of all videos."""

    def score(self, captions: Sequence[str], videos: Sequence[int]) -> MetricScores:
        pairs = zip(captions, videos, strict=True)
        return MetricScores(
            {"CIDEr": (math.nan, [self._score(precook(text), video) for text, video in pairs])}
        )
