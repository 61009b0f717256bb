"""METEOR, whose Java program is started once a Python process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pycocoevalcap.meteor import meteor

from stgraph.metrics.java import JavaProcess
from stgraph.metrics.scores import MetricScores

__all__ = ["MAX_WORDS", "SERVER", "Meteor"]

MAX_WORDS = 500
"""METEOR sees this many words of a sentence: at 10,000 its aligner runs out of 2 GB of memory and dies."""

_JAR = Path(meteor.__file__).with_name(meteor.METEOR_JAR)
_AT_ONCE = 16  # answers of 0.2 kB: together they fit into the smallest pipe

# Shared by all evaluators, since a start costs about 6 s and 0.5 GB; nothing runs before the first question.
SERVER = JavaProcess("METEOR", "-Xmx2G", "-jar", str(_JAR), "-", "-", "-stdio", "-l", "en", "-norm")


class Meteor:
    """METEOR 1.5 by pycocoevalcap's jar: SCORE lines give each caption's counts, an EVAL line their scores.

    Args:
        references: Tokenised references of each video.
    Reference: Denkowski and Lavie, WMT 2014.
    """

    def __init__(self, references: Sequence[Sequence[str]]) -> None:
        # The best reference counts, so a repeated sentence adds nothing but time.
        self._questions = [" ||| ".join(["SCORE", *dict.fromkeys(map(_cut, group))]) for group in references]

    def __call__(self, captions: Sequence[str]) -> MetricScores:
        """Scores one tokenised caption a video."""
        pairs = zip(self._questions, captions, strict=True)
        lines = [f"{start} ||| {_cut(caption)}" for start, caption in pairs]
        counts: list[str] = []
        for first in range(0, len(lines), _AT_ONCE):
            some = lines[first : first + _AT_ONCE]
            counts += SERVER.ask(some, len(some))
        *per_video, corpus = map(float, SERVER.ask([" ||| ".join(["EVAL", *counts])], len(lines) + 1))
        return {"METEOR": (corpus, per_video)}


def _cut(sentence: str) -> str:
    return " ".join(sentence.split(" ")[:MAX_WORDS])
