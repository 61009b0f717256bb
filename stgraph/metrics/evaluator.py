"""All caption scores behind one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from itertools import islice

from stgraph.errors import DataError, OptionError
from stgraph.metrics import meteor
from stgraph.metrics.bleu import Bleu
from stgraph.metrics.cider import Cider
from stgraph.metrics.ptb import tokenize
from stgraph.metrics.rouge import RougeL
from stgraph.metrics.scores import METRICS, CaptionScores, MetricScores

__all__ = ["CaptionEvaluator"]

_Scorer = Callable[[Sequence[str]], MetricScores]


class CaptionEvaluator:
    """BLEU-1 to BLEU-4, METEOR, ROUGE-L and CIDEr of captions, equal to pycocoevalcap's answers.

    Tokenises always (the COCO way) and once: the references at the first evaluation, the captions at each.
    What the scores need of the references is kept, so later evaluations cost a small part of the first;
    METEOR's Java program is shared by all evaluators and works beside the rest. No system Java is needed.

    An empty caption scores 0; line breaks and tabs count as spaces; METEOR sees the first 500 words of a
    sentence. CIDEr weighs words by how few videos have them: with one video it is 0, as in pycocoevalcap.

    Args:
        references: Sentences by video id; every sentence must hold a word.
        metrics: Names among :data:`METRICS`; leaving out ``"METEOR"`` spares its Java program (6 s, 0.5 GB).

    Raises:
        DataError: A video without references, or a reference without words. OptionError: An unknown metric.
        JavaError: Java is missing, or died twice (on evaluation).
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
            raise DataError("'references' must hold at least one video, got none.")
        for video, sentences in references.items():
            strings = not isinstance(sentences, str) and [isinstance(one, str) for one in sentences]
            if not strings or not all(strings):
                raise DataError(
                    f"'references' of '{video}' must be a list of strings, got {_shown(sentences)}."
                )
        self.metrics = tuple(metric for metric in METRICS if metric in wanted)
        self._references = {video: list(sentences) for video, sentences in references.items()}

    def __call__(self, captions: Mapping[str, str]) -> CaptionScores:
        """Scores one caption for each video of the references.

        Args:
            captions: Caption by video id, in any order.

        Raises:
            DataError: Videos without a caption, captions of unknown videos, or a caption that is no string.
        """
        self._check(captions)
        if "METEOR" in self.metrics:
            meteor.SERVER.start()  # loads its tables while we tokenise
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
                    f"'references' of '{video}' must be sentences of words, got {empty!r}; drop this one."
                )
        # METEOR comes first: it waits for Java in one thread, while the other thread does the rest.
        makers: dict[str, Callable[[list[list[str]]], _Scorer]]
        makers = {"METEOR": meteor.Meteor, "BLEU": Bleu, "ROUGE-L": RougeL, "CIDEr": Cider}
        wanted = {"BLEU" if metric.startswith("BLEU") else metric for metric in self.metrics}
        return [make(groups) for name, make in makers.items() if name in wanted]

    def _check(self, captions: Mapping[str, str]) -> None:
        missing = [video for video in self._references if video not in captions]
        if missing:
            raise DataError(
                f"'captions' must hold the references' {len(self._references)} videos, {len(missing)} are "
                f"missing ({_some(missing)}); to score fewer, build a CaptionEvaluator of their references."
            )
        unknown = [video for video in captions if video not in self._references]
        if unknown:
            raise DataError(
                f"'captions' must be of videos that have references, {len(unknown)} are not "
                f"({_some(unknown)}); drop them or give their references."
            )
        for video, caption in captions.items():
            if not isinstance(caption, str):
                raise DataError(f"'captions' of '{video}' must be one string, got {_shown(caption)}.")


def _some(videos: list[str]) -> str:
    return ", ".join(f"'{video}'" for video in videos[:3]) + (", ..." if len(videos) > 3 else "")


def _shown(value: object) -> str:
    return f"{type(value).__name__} {value!r}"[:80]
