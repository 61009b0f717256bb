"""Two runs, one question: is A better than B? Evaluate both, compare them, and read what the figures say and do not say.

    python docs/tutorials/compare_two_runs.py --out runs/compare_tutorial [--data FOLDER]

Three small runs of the scene branch on 80 generated videos: A; B, trained for a quarter of the time; and A again with
another seed. With ``--data`` the videos are real: FOLDER holds ``features/vrd`` with ``resnet152/ID.npy``,
``conv3d/ID.npy`` and ``captions.json``.

Every step is a function below. The shell lines that it prints are those that you would type.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import time
from pathlib import Path
from typing import Any

from stgraph.cli import main as stgraph_command
from stgraph.metrics import Evaluation, paired_bootstrap

SMALL = [
    "row=scene_branch_only",
    "schedule=cosine",
    "schedule.warmup_steps=5",
    "patience=null",
    "model.num_heads=4",
    "model.dropout=0.0",
    "optimizer.lr=2e-3",
    "data.loader.batch_size=32",
    "data.loader.captions_per_epoch=4",
    "trainer.enable_progress_bar=false",
]
GENERATED = ["data=interactions_tiny", "model.hidden_channels=64", "model.feedforward_channels=128"]
REAL = ["data=folder", "data.cache=true", "model.hidden_channels=128", "model.feedforward_channels=256"]
EPOCHS = {"a": 12, "b": 3}


def real_videos(folder: Path, work: Path) -> list[str]:
    """With ``--data``: 347 real videos, imported in one command; splits are drawn by each video's id, a fifth for test."""
    source, store = folder.absolute() / "features" / "vrd", work / "videos.h5"
    names = ["--appearance", "resnet152", "--motion", "conv3d"]
    stgraph(["store", "import", str(source), str(store), "--layout", "npy", *names])
    shares = ["data.dataset.val_share=0.1", "data.dataset.test_share=0.2"]
    return [
        *REAL,
        f"data.dataset.store={store}",
        f"data.dataset.captions={source / 'captions.json'}",
        *shares,
    ]


def train(data: list[str], run: Path, epochs: int, seed: int = 0) -> None:
    """Step 1. Two runs that differ in one thing. Here: how long they train; yours may differ in any setting."""
    every = f"trainer.check_val_every_n_epoch={epochs}"
    stgraph(["train", *data, *SMALL, f"trainer.max_epochs={epochs}", every, f"seed={seed}", f"run={run}"])


def a_split_must_be_evaluated_first(a: Path, b: Path) -> None:
    """Step 2. `compare` reads what `evaluate` wrote, of the split that you name (test, unless you say otherwise).

    A split that was not evaluated is an error. It is never replaced by another one: the split is part of the file's name and
    of its content, and of every heading that is printed. Choose settings by val, report test, and look at test once.
    """
    for run in (a, b):
        stgraph(["evaluate", str(run), "split=val"])
    stgraph(["compare", str(a), str(b)], status=1)
    stgraph(["compare", str(a), str(b), "split=val", "videos=0"])


def evaluate_and_compare(a: Path, b: Path, output: Path) -> dict[str, Any]:
    """Step 3. Scores of both with intervals, then their differences on the *same* videos, drawn together.

    For each metric: A - B on the split; the interval in which 95 % of 1,000 redrawn sets of videos leave it; and a two-sided
    p-value. Reading it:

    * The interval leaves out 0 (p below 0.05): on other videos of this kind, A would most likely be ahead too.
    * It holds 0: these videos do not tell the two apart. That is not "they are equal": look how wide it is.
    * Seven metrics are seven chances to find something. Say beforehand which one decides; here it is CIDEr.
    * Overlap of the two runs' own intervals from `evaluate` is no test: most of their width is videos that are hard for
      both, which falls out of the paired difference.
    """
    for run in (a, b):
        stgraph(["evaluate", str(run), "split=test"])
    stgraph(["compare", str(a), str(b), "split=test", "videos=3", "-o", str(output)])
    found = json.loads(output.read_text(encoding="utf-8"))
    claim(found["split"] == "test", "the comparison is of the test split, and says so")
    row = found["metrics"]["CIDEr"]
    claim(abs(row["a"] - row["b"] - row["difference"]) < 1e-9, "the difference is that of the two scores")
    claim(row["low"] <= row["difference"] <= row["high"], "its interval holds it")
    claim(row["p_value"] >= 2 / 1001, "1,000 draws cannot give a p below 0.002; more draws by samples=10000")
    return found


def the_same_in_python(a: Path, b: Path, found: dict[str, Any]) -> None:
    """Step 4. The same from Python, to go on with: scores by video, and the difference for any two evaluations."""
    one, two = (Evaluation.load(run / "evaluation-test-scene.json") for run in (a, b))
    pair = paired_bootstrap(one.scores, two.scores)["CIDEr"]
    print(f"CIDEr A - B {100 * pair.difference:+.1f} ({100 * pair.low:+.1f} to {100 * pair.high:+.1f})")
    claim(pair.p_value == found["metrics"]["CIDEr"]["p_value"], "same draws, same p: the draws are seeded")
    gaps = {
        video: score - two.scores.per_video["CIDEr"][video]
        for video, score in one.scores.per_video["CIDEr"].items()
    }
    ahead = sum(gap > 0 for gap in gaps.values())
    behind = sum(gap < 0 for gap in gaps.values())
    print(f"A is ahead on {ahead} videos, behind on {behind}, level on {len(gaps) - ahead - behind}")
    widest = sorted(map(abs, gaps.values()), reverse=True)[:3]
    shown = [abs(row["a"]["CIDEr"] - row["b"]["CIDEr"]) for row in found["differ_most"].values()]
    claim(shown == widest, "the videos that were shown are those that differ most")


def another_seed(a: Path, again: Path, output: Path) -> None:
    """Step 5. What such a p-value does *not* say. A again, with nothing changed but the seed.

    The bootstrap draws videos, not trainings: it is about these two sets of weights. Two seeds of one setting are two sets
    of weights too, and may well differ with a small p. So p < 0.05 between one run of setting A and one run of setting B is
    no evidence that the *setting* is better. For that, train both with several seeds and pair by seed:

        stgraph ablate table=stgkd rows=[scene_branch_only,full_model] seeds=5 ...

    whose intervals are over seeds (see ``reproduce_a_table.py``). Say which of the two an interval is over, always.
    """
    stgraph(["evaluate", str(again), "split=test"])
    stgraph(["compare", str(a), str(again), "split=test", "videos=0", "-o", str(output)])
    metrics = json.loads(output.read_text(encoding="utf-8"))["metrics"]
    apart = [metric for metric, row in metrics.items() if row["p_value"] < 0.05]
    print(f"\nTwo seeds of one setting, told apart at p < 0.05 by: {', '.join(apart) or 'no metric'}.")
    claim(any(row["difference"] for row in metrics.values()), "another seed is another model")


def stgraph(command: list[str], status: int = 0) -> None:
    """The command line, called from here; another exit status than the expected one ends the tutorial."""
    print("\n$ stgraph " + shlex.join(command), flush=True)
    claim(stgraph_command(command) == status, f"exit status {status}")


def claim(holds: bool, what: str) -> None:
    """What the tutorial says must be so; else it ends."""
    if not holds:
        raise SystemExit(f"This should hold and does not: {what}.")
    print(f"[holds] {what}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with features/vrd")
    parser.add_argument("--out", type=Path, default=Path("runs/compare_two_runs"))
    chosen = parser.parse_args()
    start = time.monotonic()
    work = chosen.out.absolute() / "tutorial"  # all that this script writes, so that it can be run again
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)

    data = real_videos(chosen.data, work) if chosen.data else GENERATED
    a, b, again = work / "a", work / "b", work / "a_seed1"
    train(data, a, EPOCHS["a"])
    train(data, b, EPOCHS["b"])
    a_split_must_be_evaluated_first(a, b)
    found = evaluate_and_compare(a, b, work / "a_b.json")
    row = found["metrics"]["CIDEr"]
    claim(
        row["low"] > 0 and row["p_value"] < 0.05, "four times the training is told apart, on the test videos"
    )
    the_same_in_python(a, b, found)
    train(data, again, EPOCHS["a"], seed=1)
    another_seed(a, again, work / "a_seeds.json")
    print(f"\n{time.monotonic() - start:.0f} s; all is in {work}")


if __name__ == "__main__":
    main()
