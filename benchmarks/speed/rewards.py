"""Cost of rewards in a step of REINFORCE, compared with pycocoevalcap from scratch; rewards are checked equal first.

    python -m benchmarks.speed.rewards RUN [--steps 20] [--threads 1] [--output FILE]

``RUN`` is a trained run of any system; its data are read as ``stgraph evaluate`` reads them.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.meteor.meteor import Meteor
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

from stgraph import CaptionPipeline
from stgraph.datasets import CaptionBatch, StoredDataset, StoredGraphs
from stgraph.metrics import CaptionReward
from stgraph.settings.compose import plain, saved_config
from stgraph.settings.training import open_data
from stgraph.training import LearnedBaseline, Reinforce, RewardedLoss, StepCounts, run_record
from stgraph.training.losses import make_loss

VIDEOS, CAPTIONS = 32, 4  # of a step, as in the experiments on `interactions`
NAIVE_STEPS = 3


def batches(captioner: CaptionPipeline, dataset: StoredDataset) -> Iterator[CaptionBatch]:
    """Steps of 32 training videos with their captions, endlessly."""
    source = StoredGraphs(
        dataset.store,
        captioner.builder,
        captioner.config.num_frames,
        cache=True,
        streams={name for branch in captioner.model.branches for name in captioner.model.streams(branch)},
    )
    ids = dataset.corpus.ids("train")
    while True:
        for first in range(0, len(ids) - VIDEOS + 1, VIDEOS):
            some = ids[first : first + VIDEOS]
            rows = [
                (place, caption)
                for place, video in enumerate(some)
                for caption in dataset.corpus.captions(video)[:CAPTIONS]
            ]
            tokens = captioner.tokenizer.encode([caption for _, caption in rows])
            video = torch.tensor([place for place, _ in rows])
            yield CaptionBatch(source.batch(some), list(some), tokens, video)


def timed_steps(
    captioner: CaptionPipeline, dataset: StoredDataset, loss: RewardedLoss, steps: int
) -> dict[str, float]:
    """Median seconds of a whole step (forward, rewards, backward, update), and of its parts."""
    model = captioner.model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5)
    waits: list[float] = []
    loss.reinforce.register_forward_hook(lambda *call: waits.append(call[-1].values["reward_seconds"]))
    whole: list[float] = []
    stream = batches(captioner, dataset)
    for number in range(steps + 2):  # the first two start Java and prepare references
        batch = next(stream)
        real = int((batch.tokens[:, 1:] != 0).sum())
        means = StepCounts(
            real, int(batch.graphs.num_frames.sum()), len(batch.tokens), VIDEOS, 1, seed=number
        )
        begun = time.perf_counter()
        optimizer.zero_grad()
        loss(model, batch, means)["loss"].backward()
        optimizer.step()
        whole.append(time.perf_counter() - begun)
    return {
        "step": statistics.median(whole[2:]),
        "waiting for rewards": statistics.median(waits[2:]),
        "share": statistics.median(w / s for w, s in list(zip(waits, whole, strict=True))[2:]),
    }


def from_scratch(captions: list[str], references: list[list[str]]) -> list[float]:
    """METEOR + BLEU-4 of each caption, as a script around pycocoevalcap computes them."""

    def wrap(texts: list[list[str]]) -> dict[int, list[dict[str, str]]]:
        return {place: [{"caption": text} for text in group] for place, group in enumerate(texts)}

    with contextlib.redirect_stdout(io.StringIO()):
        tokenizer = PTBTokenizer()
        given, said = tokenizer.tokenize(wrap(references)), tokenizer.tokenize(wrap([[c] for c in captions]))
        _, bleu = Bleu(4).compute_score(given, said)
        _, meteor = Meteor().compute_score(given, said)
    return [float(m) + float(b) for m, b in zip(meteor, bleu[3], strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, help="file for the JSON, which is printed in any case")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    config = saved_config(chosen.run)
    dataset = open_data(config.data)
    references = dataset.corpus.references("train")
    results: dict[str, Any] = {}
    for kind in ("greedy", "learned"):
        captioner = CaptionPipeline.from_pretrained(chosen.run)
        reward = CaptionReward(references, words=captioner.tokenizer.words)
        width = captioner.model.lm_head(captioner.default_branch).in_features
        baseline = LearnedBaseline(width) if kind == "learned" else None
        reinforce = Reinforce(reward, captioner.tokenizer, baseline=baseline)
        loss = RewardedLoss(make_loss(plain(config.loss), captioner.model), reinforce, from_epoch=0)
        results[f"{kind} baseline"] = timed_steps(captioner, dataset, loss, chosen.steps)
    videos = list(references)[:VIDEOS]
    given = [references[video] for video in videos]
    ours, theirs = [], []
    for number in range(NAIVE_STEPS):
        captions = [list(references.values())[-1 - number - place][0] for place in range(VIDEOS)]
        begun = time.perf_counter()
        mine = reward(captions, videos)
        ours.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        naive = from_scratch(captions, given)
        theirs.append(time.perf_counter() - begun)
        assert all(abs(a - b) < 1e-6 for a, b in zip(mine, naive, strict=True)), "other rewards"
    results["rewards of one step alone"] = {
        "stgraph": statistics.median(ours),
        "pycocoevalcap from scratch": statistics.median(theirs),
        "times as fast": statistics.median(theirs) / statistics.median(ours),
    }
    record = {
        "benchmark": "rewards",
        "model": CaptionPipeline.from_pretrained(chosen.run).model.name,
        "data": dataset.name,
        "videos a step": VIDEOS,
        "captions a video": CAPTIONS,
        "threads": chosen.threads,
        "seconds": results,
        **run_record(0),
    }
    text = json.dumps(record, indent=2)
    print(text)
    if chosen.output:
        chosen.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
