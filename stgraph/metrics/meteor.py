"""METEOR, whose Java program is started once per Python process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pycocoevalcap.meteor import meteor

from stgraph.metrics.java import JavaProcess
from stgraph.metrics.scores import MetricScores

__all__ = ["MAX_WORDS", "SERVER", "Meteor", "meteor_of_sums"]

MAX_WORDS = 500
"""Number of words of a sentence that METEOR uses; with 10,000 its aligner exceeds 2 GB of memory and crashes."""

_JAR = Path(meteor.__file__).with_name(meteor.METEOR_JAR)
_LINES_PER_REQUEST = 16  # with replies of 0.2 kB each, which fit into the smallest pipe

# Shared by all evaluators, as a start takes 6 to 14 s and 0.5 GB; nothing runs before it is asked for.
SERVER = JavaProcess("METEOR", "-Xmx2G", "-jar", str(_JAR), "-", "-", "-stdio", "-l", "en", "-norm")


class Meteor:
    """METEOR 1.5 from pycocoevalcap's jar: SCORE lines return each caption's counts, an EVAL line their scores.

    Args:
        references: Tokenised references of each video.

    Reference: Denkowski and Lavie, WMT 2014.
    """

    def __init__(self, references: Sequence[Sequence[str]]) -> None:
        # The best reference counts, so repeated sentences would only cost time.
        self._requests = [" ||| ".join(["SCORE", *dict.fromkeys(map(_cut, group))]) for group in references]

    def __call__(self, captions: Sequence[str]) -> MetricScores:
        """Scores one tokenised caption per video."""
        pairs = zip(self._requests, captions, strict=True)
        lines = [f"{start} ||| {_cut(caption)}" for start, caption in pairs]
        counts: list[str] = []
        for first in range(0, len(lines), _LINES_PER_REQUEST):
            batch = lines[first : first + _LINES_PER_REQUEST]
            counts += SERVER.ask(batch, len(batch))
        *per_video, corpus = map(float, SERVER.ask([" ||| ".join(["EVAL", *counts])], len(lines) + 1))
        return MetricScores(
            {"METEOR": (corpus, per_video)}, {"METEOR": [_statistics(line) for line in counts]}
        )


def meteor_of_sums(sums: np.ndarray) -> np.ndarray:
    r"""METEOR 1.5 of sets of captions from their summed SCORE lines, computed like the EVAL line for English.

    .. math:: \Big(1 - \gamma \Big(\frac{\mathrm{chunks}}{m}\Big)^\beta\Big)
        \frac{P R}{\alpha P + (1 - \alpha) R}

    P and R are the fractions of matched words in the captions and the references, weighted by matcher (exact, stem,
    synonym, paraphrase) and by word class (:math:`\delta` for content words, :math:`1 - \delta` for function words); m is
    the mean number of matched words of both sides.

    Args:
        sums: Words (2 numbers: captions, references) and function words (2); for each of the four matchers its content
            words (2) and function words (2); chunks; matched words (2). A caption that matches its reference completely
            counts no chunk.

    Shapes: sums ``[..., 23]`` -> ``[...]``.

    Reference: Denkowski and Lavie, WMT 2014; the parameters are the program's defaults for English.
    """
    alpha, beta, gamma, delta = 0.85, 0.2, 0.6, 0.75
    words, function_words = sums[..., 0:2], sums[..., 2:4]
    matches = sums[..., 4:20].reshape(*sums.shape[:-1], 4, 2, 2)  # matcher, content or function words, side
    chunks, matched_words = sums[..., 20], sums[..., 21:23]
    weighted = np.einsum("...wks,w,k->...s", matches, [1.0, 0.6, 0.8, 0.6], [delta, 1 - delta])
    lengths = delta * (words - function_words) + (1 - delta) * function_words
    with np.errstate(divide="ignore", invalid="ignore"):
        precision, recall = np.moveaxis(weighted / lengths, -1, 0)
        mean = precision * recall / (alpha * precision + (1 - alpha) * recall)
        penalty = gamma * (chunks / matched_words.mean(axis=-1)) ** beta
        return np.nan_to_num(mean * (1 - penalty), nan=0.0)  # 0 / 0: no word in common


def _statistics(line: str) -> list[float]:
    counts = [float(count) for count in line.split()]
    matches = (sum(counts[4:20:2]), sum(counts[5:20:2]))
    if counts[20] == 1 and matches == (counts[0], counts[1]):
        counts[20] = 0.0  # all words in one chunk: the program counts no chunk, in sums too
    return counts


def _cut(sentence: str) -> str:
    return " ".join(sentence.split(" ")[:MAX_WORDS])
