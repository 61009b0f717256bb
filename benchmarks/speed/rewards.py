"""Rewards of the captions of a REINFORCE step, compared with pycocoevalcap from scratch.

``python -m benchmarks.speed.rewards [--quick]`` prints the row as JSON. References are made up as in the file of scoring.
The library tokenises and counts them once, before anything is timed; a script around pycocoevalcap does both in each step.
Rewards (METEOR + BLEU-4) are checked equal before.
"""

from __future__ import annotations

import contextlib
import io

from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

from benchmarks.speed.measuring import Row, compare, run_alone
from benchmarks.speed.scoring import java_on_path, made_up
from stgraph.metrics import CaptionReward

VIDEOS = 32
"""Of a step, as in the experiments on the generated videos."""


def rows(quick: bool) -> list[Row]:
    """The captions of one step."""
    references, pool = made_up(videos=VIDEOS)
    reward = CaptionReward(references)
    videos, rounds = list(references), 1 if quick else 3
    steps = [[pool[(number + place) % VIDEOS] for place in range(VIDEOS)] for number in range(2 * rounds + 4)]
    java_on_path()
    for ours, theirs in zip(
        reward(steps[0], videos), from_scratch(steps[0], list(references.values())), strict=True
    ):
        assert abs(ours - theirs) < 1e-6, "other rewards"
    mine, other = iter(steps[1:]), iter(steps[1:])
    return [
        compare(
            "rewards",
            f"METEOR + BLEU-4 of {VIDEOS} sampled captions, {sum(map(len, references.values()))} references",
            lambda: reward(next(mine), videos),
            "pycocoevalcap from scratch",
            lambda: from_scratch(next(other), list(references.values())),
            rounds=rounds,
            wall=True,  # both wait for Java
            warm=True,
        )
    ]


def from_scratch(captions: list[str], references: list[list[str]]) -> list[float]:
    """METEOR + BLEU-4 of each caption, as a script around pycocoevalcap computes them."""

    def wrap(texts: list[list[str]]) -> dict[int, list[dict[str, str]]]:
        return {place: [{"caption": text} for text in group] for place, group in enumerate(texts)}

    with contextlib.redirect_stdout(io.StringIO()):
        tokenizer = PTBTokenizer()
        given = tokenizer.tokenize(wrap(references))
        said = tokenizer.tokenize(wrap([[caption] for caption in captions]))
        _, bleu = Bleu(4).compute_score(given, said)
        _, meteor = Meteor().compute_score(given, said)
    return [float(m) + float(b) for m, b in zip(meteor, bleu[3], strict=True)]


if __name__ == "__main__":
    run_alone(rows, __doc__)
