"""Computes all caption metrics in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import islice

from stgraph.checking import checked
from stgraph.errors import DataError, OptionError, listed
from stgraph.metrics import meteor
from stgraph.metrics.bleu import Bleu
from stgraph.metrics.cider import Cider
from stgraph.metrics.ptb import tokenize
from stgraph.metrics.rouge import RougeL
from stgraph.metrics.scores import METRICS, CaptionScores, MetricScores

__all__ = ["CaptionEvaluator"]

_Scorer = Callable[[Sequence[str]], MetricScores]


@checked
class CaptionEvaluator:
    """Computes BLEU-1 to BLEU-4, METEOR, ROUGE-L and CIDEr, with the same results as pycocoevalcap.

    Text is tokenised as in COCO: the references at the first evaluation, the captions at each. Statistics of the references
    are kept, so later evaluations are much faster than the first. METEOR's Java program is shared by all evaluators and
    runs in parallel with the other metrics. Java doesn't have to be installed on the system.

    An empty caption scores 0; line breaks and tabs count as spaces; METEOR uses the first 500 words of a sentence. CIDEr
    weights words by their inverse document frequency over videos: with one video it is 0, as in pycocoevalcap.

    Args:
        references: Sentences by video id; every sentence must contain a word.
        metrics: Names in :data:`METRICS`; leaving out ``"METEOR"`` avoids its Java program (6 to 14 s, 0.5 GB).

    Raises:
        DataError: If a video has no references or a reference has no words.
        OptionError: If a metric is unknown.
        JavaError: If Java is missing or crashed twice (during an evaluation).

    Reference: https://arxiv.org/abs/1504.00325 (COCO caption evaluation).

    >>> references = {"cat": ["A cat sleeps.", "a cat is sleeping"], "dog": ["a dog runs on the grass"]}
    >>> evaluate = CaptionEvaluator(references, metrics=["BLEU-1", "ROUGE-L", "CIDEr"])
    >>> evaluate({"cat": "a cat sleeps", "dog": "a dog"})
    CaptionScores of 2 videos
      BLEU-1  0.4493
      ROUGE-L 0.7293
      CIDEr   3.2735
    """

    def __init__(self, references: Mapping[str, Sequence[str]], metrics: Iterable[str] = METRICS) -> None:
        wanted = [metrics] if isinstance(metrics, str) else list(metrics)
        unknown = [metric for metric in wanted if metric not in METRICS]
        if unknown or not wanted:
            raise OptionError(f"'metrics' must be some of {', '.join(METRICS)}, got {unknown or 'none'}.")
        if not references:
            raise DataError("'references' must contain at least one video, got none.")
        for video, sentences in references.items():
            strings = not isinstance(sentences, str) and [isinstance(one, str) for one in sentences]
            if not strings or not all(strings):
                raise DataError(
                    f"'references' of '{video}' must be a list of strings, got {_type_and_value(sentences)}."
                )
        self.metrics = tuple(metric for metric in METRICS if metric in wanted)
        self._references = {video: list(sentences) for video, sentences in references.items()}

    def warm_up(self) -> None:
        """Starts METEOR's Java program without waiting for it, so that it loads while captions are being written.

        Raises:
            JavaError: If Java is missing.
        """
        if "METEOR" in self.metrics:
            meteor.SERVER.start()

    def __call__(self, captions: Mapping[str, str]) -> CaptionScores:
        """Scores one caption per video.

        Args:
            captions: Caption by video id, in any order, for all videos of the references.

        Raises:
            DataError: If a video has no caption, a caption has no references, or a caption is not a string.
            JavaError: If Java is missing or crashed twice.
        """
        self._check(captions)
        self.warm_up()
        scorers = self._scorers
        tokens = tokenize([captions[video] for video in self._references])
        with ThreadPoolExecutor(max_workers=2) as pool:
            answers = list(pool.map(lambda score: score(tokens), scorers))
        found = {metric: scores for answer in answers for metric, scores in answer.items()}
        counts = {name: rows for answer in answers for name, rows in answer.statistics.items()}
        return CaptionScores(
            corpus={metric: float(found[metric][0]) for metric in self.metrics},
            per_video={
                metric: dict(zip(self._references, map(float, found[metric][1]), strict=True))
                for metric in self.metrics
            },
            statistics={
                name: dict(zip(self._references, rows, strict=True)) for name, rows in counts.items()
            },
        )

    @cached_property
    def _scorers(self) -> list[_Scorer]:
        tokens = iter(tokenize([sentence for group in self._references.values() for sentence in group]))
        groups = [list(islice(tokens, len(group))) for group in self._references.values()]
        for (video, sentences), group in zip(self._references.items(), groups, strict=True):
            if "" in group:
                empty = sentences[group.index("")]
                raise DataError(
                    f"'references' of '{video}' must be sentences with words, got {empty!r}; drop this one."
                )
        # METEOR comes first: one thread waits for Java while the other computes the rest.
        makers: dict[str, Callable[[list[list[str]]], _Scorer]]
        makers = {"METEOR": meteor.Meteor, "BLEU": Bleu, "ROUGE-L": RougeL, "CIDEr": Cider}
        wanted = {"BLEU" if metric.startswith("BLEU") else metric for metric in self.metrics}
        return [make(groups) for name, make in makers.items() if name in wanted]

    def _check(self, captions: Mapping[str, str]) -> None:
        missing = [video for video in self._references if video not in captions]
        if missing:
            raise DataError(
                f"'captions' must contain the {len(self._references)} videos of the references, {len(missing)} are "
                f"missing ({listed(missing)}); to score fewer, create a CaptionEvaluator of their references."
            )
        unknown = [video for video in captions if video not in self._references]
        if unknown:
            raise DataError(
                f"'captions' must be for videos that have references, {len(unknown)} are not "
                f"({listed(unknown)}); drop them or give their references."
            )
        for video, caption in captions.items():
            if not isinstance(caption, str):
                raise DataError(
                    f"'captions' of '{video}' must be one string, got {_type_and_value(caption)}."
                )


def _type_and_value(value: object) -> str:
    return f"{type(value).__name__} {value!r}"[:80]
