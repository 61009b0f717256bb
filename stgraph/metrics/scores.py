"""Scores of captions: one value per metric, with the scores and statistics of each video."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from stgraph.checking import checked
from stgraph.html_table import html_table

__all__ = ["METRICS", "CaptionScores", "MetricScores"]

METRICS = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr")


class MetricScores(dict[str, tuple[float, list[float]]]):
    """By metric, the score of all captions together and the score of each, in the order of the references.

    Args:
        scores: Both scores by metric.
        statistics: For "BLEU" and "METEOR", the counts of each caption, whose sums determine the score of a set.
    """

    def __init__(
        self,
        scores: Mapping[str, tuple[float, list[float]]],
        statistics: Mapping[str, list[list[float]]] | None = None,
    ) -> None:
        super().__init__(scores)
        self.statistics = dict(statistics or {})


@checked
@dataclass(frozen=True, eq=False, repr=False)
class CaptionScores(Mapping[str, float]):
    """Scores of a set of captions; a mapping from metric to score.

    BLEU and METEOR of a set are computed from summed counts, so they are not the mean of ``per_video``;
    ROUGE-L and CIDEr are.

    Args:
        corpus: Score by metric, from 0 to 1 (CIDEr from 0 to 10).
        per_video: Score by metric and video id.
        statistics: For "BLEU" and "METEOR", by video id, the counts whose sums over videos determine the score of a set;
            :func:`stgraph.metrics.bootstrap_intervals` resamples them.

    >>> scores = CaptionScores({"BLEU-4": 0.25, "CIDEr": 0.5}, {"BLEU-4": {"a": 0.25}, "CIDEr": {"a": 0.5}})
    >>> scores["CIDEr"], scores.per_video["CIDEr"]["a"]
    (0.5, 0.5)
    >>> scores
    CaptionScores of 1 video
      BLEU-4  0.2500
      CIDEr   0.5000
    """

    corpus: dict[str, float]
    per_video: dict[str, dict[str, float]]
    statistics: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def __getitem__(self, metric: str) -> float:
        return self.corpus[metric]

    def __iter__(self) -> Iterator[str]:
        return iter(self.corpus)

    def __len__(self) -> int:
        return len(self.corpus)

    def __repr__(self) -> str:
        videos = len(next(iter(self.per_video.values()), {}))
        rows = [f"  {metric:<8}{value:.4f}" for metric, value in self.corpus.items()]
        return "\n".join([f"CaptionScores of {videos} video{'s' if videos != 1 else ''}", *rows])

    def _repr_html_(self) -> str:
        """What a notebook shows: the scores."""
        videos = len(next(iter(self.per_video.values()), {}))
        rows = [(metric, f"{value:.4f}") for metric, value in self.corpus.items()]
        return html_table(f"Scores of {videos} video{'s' * (videos != 1)}", ("metric", "score"), rows)

    def to_dict(self) -> dict[str, float]:
        """The scores by metric as a plain dict, such as for JSON."""
        return dict(self.corpus)
